//! From attributions to files.

use burn::tensor::Tensor;
use image::RgbImage;
use saliency::Attribution;
use saliency::photo::{Map, Region, ScaledMap, View};
use saliency::viz::{
    Export, Figure, Page, PageMap, Picture, Record, Tile, write_file, write_picture,
};

use crate::args::{Args, Method, Mode, name_of, option_name, places};
use crate::{Result, class_name};

/// One method's answer about one class.
pub struct Explained {
    pub method: Method,
    pub class: usize,
    pub map: Attribution<Tensor<4>>,
    pub reduced: Map,
    pub certainty: Vec<String>,
    pub probability: f64,
    pub predicted: bool,
}

/// Everything that was explained of a photo.
pub struct Drawn<'a> {
    pub args: &'a Args,
    pub name: &'a str,
    pub photo: &'a RgbImage,
    pub seen: Region,
    pub device: String,
    /// The class that all others are set against.
    pub other: Option<usize>,
    pub explained: Vec<Explained>,
}

/// Values above this percentile are drawn like it.
const PERCENTILE: f64 = 99.0;
/// Lines are drawn around what holds these shares.
const CONTOURS: [f64; 2] = [0.25, 0.5];
const CONTOURS_SAY: &str = "white around a quarter of the attribution, yellow around half";

impl Drawn<'_> {
    /// Writes every file that was asked for.
    pub fn write(&self) -> Result<()> {
        let scaled: Vec<_> =
            self.explained.iter().map(|it| self.scaled(it)).collect::<Result<_>>()?;
        for (it, scaled) in self.explained.iter().zip(&scaled) {
            self.write_pictures(it, &self.picture(scaled)?)?;
            if self.args.export {
                let (stem, record) = (self.stem(it), self.record(it)?);
                let export = Export { values: &it.map.values, row: 0, map: scaled, record };
                for path in export.write(&self.args.out, &stem)? {
                    println!("wrote {}", path.display());
                }
            }
        }
        if self.args.mode.contains(&Mode::Grid) || self.explained.len() > 1 {
            self.write_figure(&self.grid(&scaled)?, &format!("{}-grid", self.name))?;
        }
        self.print_places()?;
        if self.args.page {
            self.write_file(&format!("{}-page.html", self.name), self.page(scaled).to_html()?)?;
        }
        Ok(())
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

    fn write_pictures(&self, it: &Explained, picture: &Picture) -> Result<()> {
        let title = self.title(it);
        for mode in &self.args.mode {
            let stem = format!("{}-{}", self.stem(it), option_name(mode));
            let pixels = match mode {
                Mode::HeatMap => picture.heat_map(),
                Mode::Overlay => picture.overlay(),
                Mode::Masked => picture.masked(),
                Mode::Contours => {
                    let tile = picture.contour_tile("", &CONTOURS)?;
                    let figure =
                        Figure::new(title.clone()).with_row([tile]).with_note(CONTOURS_SAY);
                    self.write_figure(&figure, &stem)?;
                    continue;
                }
                Mode::Panel => {
                    let panel = picture.panel(format!("{title}: {}", name_of(it.method)));
                    self.write_figure(&panel, &stem)?;
                    continue;
                }
                Mode::Grid => continue,
            };
            self.write_picture(&stem, &pixels)?;
        }
        Ok(())
    }

    /// Methods beside each other, classes below each other.
    fn grid(&self, scaled: &[ScaledMap]) -> Result<Figure> {
        let mut rows: Vec<(usize, Vec<Tile>)> = Vec::new();
        for (it, scaled) in self.explained.iter().zip(scaled) {
            let picture = self.picture(scaled)?;
            if rows.last().is_none_or(|(class, _)| *class != it.class) {
                rows.push((it.class, vec![Tile::new(self.title(it), self.photo.clone())]));
            }
            let tile =
                Tile::new(name_of(it.method), picture.overlay()).with_legend(picture.legend());
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
            let map = PageMap::new(name_of(it.method), self.class(it), scaled);
            let map = match it.predicted {
                true => map.with_prediction(it.probability),
                false => map.with_probability(it.probability),
            };
            page = page.with_map(it.certainty.iter().fold(map, PageMap::with_note));
        }
        places(&self.args.boxes).into_iter().fold(page, Page::with_marked_area)
    }

    fn print_places(&self) -> Result<()> {
        let several = self.explained.len() > 1;
        for place in places(&self.args.boxes) {
            for it in &self.explained {
                let found = place.coverage_of(&it.reduced, self.view())?;
                let of = format!(" ({}, {})", name_of(it.method), self.class(it));
                println!(
                    "{}{}: {:.1} % of the attribution in {:.1} % of what the model was shown, \
                     the peak is {}",
                    place.name(),
                    if several { of } else { String::new() },
                    100.0 * found.share,
                    100.0 * found.area,
                    if found.peak { "inside" } else { "outside" },
                );
            }
        }
        Ok(())
    }

    fn write_figure(&self, figure: &Figure, stem: &str) -> Result<()> {
        if self.args.svg {
            self.write_file(&format!("{stem}.svg"), figure.to_svg()?)?;
        }
        self.write_picture(stem, &figure.to_picture()?)
    }

    fn write_picture(&self, stem: &str, picture: &RgbImage) -> Result<()> {
        let path = self.args.out.join(format!("{stem}.png"));
        write_picture(&path, picture)?;
        println!("wrote {}", path.display());
        Ok(())
    }

    fn write_file(&self, name: &str, text: String) -> Result<()> {
        let path = self.args.out.join(name);
        write_file(&path, text.as_bytes())?;
        println!("wrote {}", path.display());
        Ok(())
    }

    /// Maps of one method are in one unit, so that its classes share a scale.
    fn scaled(&self, it: &Explained) -> Result<ScaledMap> {
        let same = |other: &&Explained| other.method == it.method;
        let maps: Vec<_> = self.explained.iter().filter(same).map(|it| &it.reduced).collect();
        Ok(it.reduced.with_scale(Map::shared_scale(&maps, PERCENTILE)?)?)
    }

    /// What is explained, in words.
    fn class(&self, it: &Explained) -> String {
        match self.other {
            Some(other) => format!("{} rather than {}", class_name(it.class), class_name(other)),
            None => class_name(it.class).to_owned(),
        }
    }

    fn title(&self, it: &Explained) -> String {
        format!("{} ({:.1} %)", self.class(it), 100.0 * it.probability)
    }

    /// The beginning of the names of files about one map: with the class where there are several, and
    /// with the one that it is set against.
    fn stem(&self, it: &Explained) -> String {
        let mut stem = format!("{}-{}", self.name, option_name(&it.method));
        if self.explained.iter().any(|other| other.class != it.class) {
            stem += &format!("-{}", it.class);
        }
        if let Some(other) = self.other {
            stem += &format!("-rather-than-{other}");
        }
        stem
    }

    /// Enough to make the same picture again.
    fn record(&self, it: &Explained) -> Result<Record> {
        let (args, Region { x, y, width, height }) = (self.args, self.seen);
        let record = Record::new(&it.map, 0)?
            .with_fact("photo", self.name)
            .with_fact("photo_size", vec![self.photo.width(), self.photo.height()])
            .with_fact("photo_region", vec![x, y, width, height])
            .with_fact("model", "EfficientNet-Lite0, embedded weights")
            .with_fact("method", option_name(&it.method))
            .with_fact("score_kind", option_name(&args.score))
            .with_fact("device", &self.device[..])
            .with_fact("target_name", class_name(it.class))
            .with_fact("instead_of", self.other)
            .with_fact("probability", it.probability)
            .with_fact("percentile", PERCENTILE)
            .with_fact("colormap", args.colormap.as_ref().map(option_name));
        let record = match it.method {
            Method::Gradient | Method::InputXGradient => return Ok(record),
            Method::IntegratedGradients => record
                .with_fact("baseline", option_name(&args.baseline))
                .with_fact("steps", args.steps),
            _ => record.with_fact("samples", args.samples).with_fact("seed", 0),
        };
        Ok(match args.tolerance {
            Some(tolerance) => {
                record.with_fact("tolerance", tolerance).with_fact("limit", args.limit)
            }
            None => record,
        })
    }
}
