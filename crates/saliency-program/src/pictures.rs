//! From the attributions of a photo to pictures, a page and exported values.

use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
use image::RgbImage;
use saliency::photo::{ClassNames, Coverage, Map, Region, ScaledMap, View};
use saliency::viz::{
    Export, Figure, Page, PageMap, Picture, Record, Tile, write_file, write_picture,
};
use saliency::{Attribution, Method};

use crate::args::{ExplainArgs, Mode, option_name};
use crate::boxes::areas;
use crate::cover::CoverTested;
use crate::method::PhotoMethod;
use crate::output::say_aside;
use crate::{Result, percent};

/// One method's answer about one class.
#[derive(Debug)]
pub struct Explained {
    /// The method.
    pub method: PhotoMethod,
    /// The class that is explained.
    pub class: usize,
    /// The answer.
    pub map: Attribution<Tensor<4>>,
    /// The same with one value per pixel.
    pub reduced: Map,
    /// What is known of the answer's error, a line each.
    pub certainty: Vec<String>,
    /// What the model says if the brightest parts are covered.
    pub cover: Option<CoverTested>,
    /// The class's probability.
    pub probability: f64,
    /// Whether the network predicts the class.
    pub is_predicted: bool,
}

/// All answers about one photo, and what is needed to draw them.
#[derive(Debug)]
pub struct PhotoPictures<'a> {
    /// The files to write, and their folder.
    pub args: &'a ExplainArgs,
    /// The photo's name, with which the names of files begin.
    pub name: &'a str,
    /// The photo's file; none for the photo that ships.
    pub path: Option<&'a Path>,
    /// The photo.
    pub photo: &'a RgbImage,
    /// The part of the photo that the network was shown.
    pub seen: Region,
    /// The network in a few words, and which weights it has.
    pub network: NetworkFacts<'a>,
    /// The names of its classes.
    pub classes: &'a ClassNames,
    /// The device that computed.
    pub device: String,
    /// The class that all others are compared with.
    pub instead_of: Option<usize>,
    /// The answers.
    pub explained: Vec<Explained>,
}

/// Which network a photo was explained for.
#[derive(Clone, Copy, Debug)]
pub struct NetworkFacts<'a> {
    /// The network in a few words.
    pub description: &'a str,
    /// Changes with its weights.
    pub weights: &'a str,
}

/// What was written about a photo, and how much of its maps is in the boxes.
#[derive(Clone, Debug)]
pub struct Written {
    /// The files.
    pub files: Vec<PathBuf>,
    /// A value for each name of boxes and each answer.
    pub boxes: Vec<MeasuredBox>,
}

/// How much of one answer is in the boxes of one name.
#[derive(Clone, Debug)]
pub struct MeasuredBox {
    /// The name.
    pub name: String,
    /// Which of the answers.
    pub explained: usize,
    /// How much.
    pub found: Coverage,
}

/// Lines are drawn around the pixels that hold these shares.
const CONTOURS: [f64; 2] = [0.25, 0.5];
const CONTOURS_SAY: &str = "white around a quarter of the attribution, yellow around half";

impl PhotoPictures<'_> {
    /// Writes every file that the arguments ask for, and measures the boxes.
    ///
    /// # Errors
    /// An error if a picture cannot be drawn or a file cannot be written.
    pub fn write(&self) -> Result<Written> {
        let mut files = Vec::new();
        let scaled: Vec<_> =
            self.explained.iter().map(|it| self.scaled(it)).collect::<Result<_>>()?;
        for (it, scaled) in self.explained.iter().zip(&scaled) {
            self.write_pictures(it, &self.picture(scaled)?, &mut files)?;
            if self.args.export {
                let (stem, record) = (self.stem(it), self.record(it)?);
                let export = Export { values: &it.map.values, row: 0, map: scaled, record };
                for path in export.write(&self.args.out, &stem)? {
                    self.wrote(path, &mut files);
                }
            }
        }
        if self.args.mode.contains(&Mode::Grid) || self.explained.len() > 1 {
            let stem = format!("{}-grid", self.name);
            self.write_figure(&self.grid(&scaled)?, &stem, &mut files)?;
        }
        let boxes = self.measure_boxes()?;
        if self.args.page {
            let name = format!("{}-page.html", self.name);
            self.write_file(&name, self.page(scaled).to_html()?, &mut files)?;
        }
        Ok(Written { files, boxes })
    }

    fn view(&self) -> View<'_> {
        View::new(self.photo, self.seen)
    }

    fn picture<'b>(&'b self, scaled: &'b ScaledMap) -> Result<Picture<'b>> {
        let picture = Picture::new(self.view(), scaled)?;
        Ok(match self.args.colormap {
            Some(colors) => picture.with_colors(colors.into()),
            None => picture,
        })
    }

    fn write_pictures(
        &self,
        it: &Explained,
        picture: &Picture,
        files: &mut Vec<PathBuf>,
    ) -> Result<()> {
        let title = self.title(it);
        for mode in &self.args.mode {
            let stem = format!("{}-{}", self.stem(it), option_name(mode));
            match mode {
                Mode::HeatMap => self.write_picture(&stem, &picture.heat_map(), files)?,
                Mode::Overlay => self.write_picture(&stem, &picture.overlay(), files)?,
                Mode::Masked => self.write_picture(&stem, &picture.masked(), files)?,
                Mode::Contours => {
                    let tile = picture.contour_tile("", &CONTOURS)?;
                    let figure =
                        Figure::new(title.clone()).with_row([tile]).with_note(CONTOURS_SAY);
                    self.write_figure(&figure, &stem, files)?;
                }
                Mode::Panel => {
                    let title = format!("{title}: {}", it.method.title());
                    let panel = if it.method.maps_regions() {
                        picture.panel_of_regions(title)
                    } else {
                        picture.panel(title)
                    };
                    self.write_figure(&panel, &stem, files)?;
                }
                // The grid shows all maps, so it is drawn once and not here for each map.
                Mode::Grid => {}
            }
        }
        Ok(())
    }

    /// Draws methods beside each other, and classes below each other.
    fn grid(&self, scaled: &[ScaledMap]) -> Result<Figure> {
        let mut rows: Vec<(usize, Vec<Tile>)> = Vec::new();
        for (it, scaled) in self.explained.iter().zip(scaled) {
            let picture = self.picture(scaled)?;
            if rows.last().is_none_or(|(class, _)| *class != it.class) {
                rows.push((it.class, vec![Tile::new(self.title(it), self.photo.clone())]));
            }
            let tile =
                Tile::new(it.method.title(), picture.overlay()).with_legend(picture.legend());
            rows.last_mut().expect("a row was just begun").1.push(tile);
        }
        let rows = rows.into_iter().map(|(_, row)| row);
        Ok(rows.fold(Figure::new(self.name), Figure::with_row))
    }

    fn page(&self, scaled: Vec<ScaledMap>) -> Page<'_> {
        let mut page = Page::new(self.view()).with_title(self.name);
        if let Some(colors) = self.args.colormap {
            page = page.with_colors(colors.into());
        }
        for (it, scaled) in self.explained.iter().zip(scaled) {
            page = page.with_map(self.page_map(it, scaled));
        }
        areas(&self.args.boxes).into_iter().fold(page, Page::with_marked_area)
    }

    fn page_map(&self, it: &Explained, scaled: ScaledMap) -> PageMap {
        let mut map = PageMap::new(it.method.title(), self.class(it), scaled);
        map = if it.is_predicted {
            map.with_prediction(it.probability)
        } else {
            map.with_probability(it.probability)
        };
        if it.method.maps_regions() {
            map = map.with_regions();
        }
        if let Some(errors) = &it.map.error_estimate {
            map = map.with_error(errors[0]);
        }
        if let Some(cover) = &it.cover {
            map = map.with_test(cover.page_test(self.classes));
        }
        it.certainty.iter().fold(map, PageMap::with_note)
    }

    /// Measures how much of each map is in the boxes of each name, and prints it.
    fn measure_boxes(&self) -> Result<Vec<MeasuredBox>> {
        let mut measured = Vec::new();
        for area in areas(&self.args.boxes) {
            let footprint = area.coverage_of(&self.explained[0].reduced, self.view())?;
            if footprint.area == 0.0 {
                say_aside(format_args!(
                    "warning: the model was shown nothing of {}; it is shown the middle of a photo",
                    area.name()
                ));
            }
            for (explained, it) in self.explained.iter().enumerate() {
                let found = area.coverage_of(&it.reduced, self.view())?;
                let of = if self.explained.len() > 1 {
                    format!(" ({}, {})", it.method.title(), self.class(it))
                } else {
                    String::new()
                };
                let (share, size) = (percent(found.share), percent(found.area));
                let peak = if found.peak { "inside" } else { "outside" };
                self.args.words().say(format_args!(
                    "{}{of}: {share} of the attribution in {size} of what the model was shown, the peak \
                     is {peak}",
                    area.name(),
                ));
                measured.push(MeasuredBox { name: area.name().to_owned(), explained, found });
            }
        }
        Ok(measured)
    }

    fn write_figure(&self, figure: &Figure, stem: &str, files: &mut Vec<PathBuf>) -> Result<()> {
        if self.args.svg {
            self.write_file(&format!("{stem}.svg"), figure.to_svg()?, files)?;
        }
        self.write_picture(stem, &figure.to_picture()?, files)
    }

    fn write_picture(
        &self,
        stem: &str,
        picture: &RgbImage,
        files: &mut Vec<PathBuf>,
    ) -> Result<()> {
        let path = self.args.out.join(format!("{stem}.png"));
        write_picture(&path, picture)?;
        self.wrote(path, files);
        Ok(())
    }

    fn write_file(&self, name: &str, text: String, files: &mut Vec<PathBuf>) -> Result<()> {
        let path = self.args.out.join(name);
        write_file(&path, text.as_bytes())?;
        self.wrote(path, files);
        Ok(())
    }

    /// Says that a file was written, and keeps its name.
    fn wrote(&self, path: PathBuf, files: &mut Vec<PathBuf>) {
        self.args.words().say(format_args!("wrote {}", path.display()));
        files.push(path);
    }

    /// Scales a map. The maps of one method have the same unit, so they share one scale, and its
    /// classes can be compared.
    fn scaled(&self, it: &Explained) -> Result<ScaledMap> {
        let same = |other: &&Explained| other.method == it.method;
        let maps: Vec<_> = self.explained.iter().filter(same).map(|it| &it.reduced).collect();
        Ok(it.reduced.with_scale(Map::shared_scale(&maps, it.method.clip_beyond())?)?)
    }

    /// Returns the name of the class that is explained, and of the one that it is compared with.
    fn class(&self, it: &Explained) -> String {
        match self.instead_of {
            Some(other) => {
                let [class, other] = [it.class, other].map(|class| self.classes.name(class));
                format!("{class} rather than {other}")
            }
            None => self.classes.name(it.class),
        }
    }

    fn title(&self, it: &Explained) -> String {
        format!("{} ({})", self.class(it), percent(it.probability))
    }

    /// Returns the beginning of the names of files about one map. It has the class if several
    /// classes are explained, and the class that it is compared with, if there is one.
    fn stem(&self, it: &Explained) -> String {
        let mut stem = format!("{}-{}", self.name, it.method.name());
        if self.explained.iter().any(|other| other.class != it.class) {
            stem += &format!("-{}", it.class);
        }
        if let Some(other) = self.instead_of {
            stem += &format!("-rather-than-{other}");
        }
        stem
    }

    /// Returns everything that is needed to make the same picture again.
    fn record(&self, it: &Explained) -> Result<Record> {
        let (args, Region { x, y, width, height }) = (self.args, self.seen);
        let record = Record::new(&it.map, 0)?
            .with_fact("photo", self.name)
            .with_fact("photo_file", self.path.map(|it| it.display().to_string()))
            .with_fact("photo_size", vec![self.photo.width(), self.photo.height()])
            .with_fact("photo_region", vec![x, y, width, height])
            .with_fact("model", self.network.description)
            .with_fact("weights", self.network.weights)
            .with_fact("method", it.method.name())
            .with_fact("score_kind", option_name(&args.score))
            .with_fact("device", &self.device[..])
            .with_fact("target_name", self.classes.name(it.class))
            .with_fact("instead_of", self.instead_of)
            .with_fact("probability", it.probability)
            .with_fact("clip_beyond", it.method.clip_beyond())
            .with_fact("colormap", args.colormap.as_ref().map(option_name));
        // The options that the method has.
        let record = match it.method {
            _ if it.method.has_fixed_effort() => return Ok(record),
            // Its points and its baseline are fixed.
            PhotoMethod::Regions | PhotoMethod::Layer(_) => return Ok(record),
            PhotoMethod::Pixels(method) if method.starts_at_baseline() => record
                .with_fact("baseline", option_name(&args.baseline()))
                .with_fact("steps", args.steps()),
            PhotoMethod::Pixels(Method::BlurIg) => record.with_fact("steps", args.steps()),
            PhotoMethod::Pixels(_) => {
                record.with_fact("samples", args.samples).with_fact("seed", 0)
            }
        };
        Ok(match args.tolerance {
            Some(tolerance) => {
                record.with_fact("tolerance", tolerance).with_fact("limit", args.limit)
            }
            None => record,
        })
    }
}
