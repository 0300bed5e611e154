//! Recognises the format of a CSV, and reads CSV with titles. The columns may have any order and
//! many different names.

use super::drawing::{Contents, Corners, DrawnOn};
use super::error::BoxesError;
use super::shapes::sized;
use super::table::{Line, Table, split};
use super::{untitled, via, via3};

const FORMAT: &str = "CSV";

/// Reads a table in any of its formats.
pub(super) fn read(text: &str) -> Result<Contents, BoxesError> {
    let table = split(text);
    if table.first.fields.is_empty() {
        return Ok(Contents::new(FORMAT));
    }
    if let Some(contents) = via::read_table(&table).or_else(|| via3::read_table(&table)) {
        return Ok(contents);
    }
    match Columns::of(&table.titles) {
        Some(columns) => Ok(columns.read(&table)),
        None => untitled::read(&table),
    }
}

/// Titles of columns, in the order of preference.
const FILES: &[&str] = &[
    "file",
    "filename",
    "file_name",
    "image",
    "image_name",
    "image_path",
    "imagename",
    "imageid",
    "image_id",
    "photo",
    "path",
    "img",
];
const NAMES: &[&str] = &[
    "name",
    "class",
    "label",
    "category",
    "class_name",
    "classname",
    "label_name",
    "labelname",
    "category_name",
    "object",
];
/// Left, top, right, bottom.
const CORNERS: &[[&str; 4]] = &[
    ["xmin", "ymin", "xmax", "ymax"],
    ["x_min", "y_min", "x_max", "y_max"],
    ["x1", "y1", "x2", "y2"],
    ["x0", "y0", "x1", "y1"],
    ["left", "top", "right", "bottom"],
];
/// Left, top, width, height.
const SIZED: &[[&str; 4]] = &[
    ["x", "y", "width", "height"],
    ["x", "y", "w", "h"],
    ["bbox_x", "bbox_y", "bbox_width", "bbox_height"],
    ["left", "top", "width", "height"],
    ["xmin", "ymin", "width", "height"],
];
const PHOTO_SIZES: &[[&str; 2]] =
    &[["image_width", "image_height"], ["img_width", "img_height"], ["width", "height"]];

/// The meaning of the columns of a table.
struct Columns {
    file: usize,
    name: Option<usize>,
    edges: [usize; 4],
    kind: Kind,
    /// The columns of the photo's width and height.
    photo: Option<[usize; 2]>,
}

enum Kind {
    Corners,
    Sized,
}

impl Columns {
    /// Finds the columns by their titles, or returns `None` if there are no photos or no boxes.
    fn of(titles: &[String]) -> Option<Self> {
        let column = |title: &&str| titles.iter().position(|it| it == title);
        let all = |four: &[&str; 4]| {
            let found: Vec<usize> = four.iter().filter_map(column).collect();
            <[usize; 4]>::try_from(found).ok()
        };
        let corners = CORNERS.iter().find_map(all).map(|it| (it, Kind::Corners));
        let (edges, kind) = corners.or_else(|| Some((SIZED.iter().find_map(all)?, Kind::Sized)))?;
        // A table with corners may also have columns `width` and `height` for the size of the
        // photo.
        let photo = PHOTO_SIZES.iter().find_map(|[width, height]| {
            Some([column(width)?, column(height)?])
                .filter(|it| !it.iter().any(|at| edges.contains(at)))
        });
        Some(Self {
            file: FILES.iter().find_map(column)?,
            name: NAMES.iter().find_map(column),
            edges,
            kind,
            photo,
        })
    }

    fn read(&self, table: &Table) -> Contents {
        let mut contents = Contents::new(FORMAT);
        let fractions = self.are_fractions(table);
        for line in &table.lines {
            let Some(photo) = line.field(self.file) else {
                contents.left_out.add(|| format!("line {} names no photo", line.number));
                continue;
            };
            let length = |at: usize| line.number(self.photo?[at]);
            let drawn_on =
                if fractions { DrawnOn::Fractions } else { DrawnOn::of_size(length(0), length(1)) };
            contents.mention(photo, drawn_on);
            let Some(edges) = self.edges(line) else {
                contents.left_out.add(|| {
                    format!(
                        "line {} has no number for each edge of the box in {photo}",
                        line.number
                    )
                });
                continue;
            };
            let name = self.name.and_then(|at| line.field(at)).unwrap_or("box");
            contents.add(photo, drawn_on, self.corners(edges).named(name));
        }
        contents
    }

    fn edges(&self, line: &Line) -> Option<[f64; 4]> {
        let edges: Option<Vec<f64>> = self.edges.iter().map(|at| line.number(*at)).collect();
        edges?.try_into().ok()
    }

    fn corners(&self, edges: [f64; 4]) -> Corners {
        match self.kind {
            Kind::Corners => {
                let [left, top, right, bottom] = edges;
                Corners { left, top, right, bottom }
            }
            Kind::Sized => sized(edges),
        }
    }

    /// Returns whether all boxes are given as fractions of their photos. Read as pixels, all of
    /// them would be in the first pixel.
    fn are_fractions(&self, table: &Table) -> bool {
        let edges: Vec<[f64; 4]> = table.lines.iter().filter_map(|it| self.edges(it)).collect();
        let all = || edges.iter().flatten();
        all().all(|it| (-0.01..=1.01).contains(it)) && all().any(|it| it.fract() != 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(text: &str) -> Vec<[f64; 4]> {
        let contents = read(text).unwrap();
        let boxes = contents.drawings.values().flat_map(|it| &it.boxes);
        boxes.map(|it| [it.x, it.y, it.width, it.height]).collect()
    }

    #[test]
    fn every_separator_and_order_of_columns_is_read() {
        let expected = vec![[150.5, 60.0, 300.0, 200.0]];
        for text in [
            "file,name,x,y,width,height\nx.jpg,a,150.5,60,300,200\n",
            "File;Name;X;Y;Width;Height\r\nx.jpg;a;150,5;60;300;200\r\n",
            "sep=;\nfile;name;x;y;width;height\nx.jpg;a;150,5;60,0;300;200\n",
            "file\tname\tx\ty\twidth\theight\nx.jpg\ta\t150,5\t60\t300\t200\n",
            "height, width ,y,x,more,\"file\"\n200,300,60,\"150,5\",z,x.jpg\n\n",
            "filename,width,height,class,xmin,ymin,xmax,ymax\nx.jpg,640,427,a,150.5,60,450.5,260\n",
            "\"image\",\"xmin\",\"ymin\",\"xmax\",\"ymax\",\"label\"\n\"x.jpg\",150.5,60,450.5,260,\"a\"\n",
            "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\n\
             a,150.5,60,300,200,x.jpg,640,427\n",
            "path,x0,y0,x1,y1\nx.jpg,150.5,60,450.5,260\n",
        ] {
            assert_eq!(boxes(text), expected, "{text}");
        }
    }

    #[test]
    fn the_size_of_the_photo_is_known_if_the_table_has_it() {
        let drawn_on = |text: &str| read(text).unwrap().drawings["x.jpg"].drawn_on;
        let tfod = "filename,width,height,class,xmin,ymin,xmax,ymax\nx.jpg,640,427,a,1,2,3,4\n";
        assert_eq!(drawn_on(tfod), DrawnOn::Pixels { width: 640, height: 427 });
        let own = "file,name,x,y,width,height\nx.jpg,a,1,2,3,4\n";
        assert_eq!(drawn_on(own), DrawnOn::Unknown);
        // Open Images.
        let parts = "ImageID,LabelName,XMin,XMax,YMin,YMax\nx.jpg,a,0.25,1.0,0,0.5\n";
        assert_eq!(drawn_on(parts), DrawnOn::Fractions);
        assert_eq!(boxes(parts), [[0.25, 0.0, 0.75, 0.5]]);
        let one_pixel = "file,x,y,width,height\nx.jpg,0,0,1,1\n";
        assert_eq!(drawn_on(one_pixel), DrawnOn::Unknown);
    }

    #[test]
    fn lines_without_numbers_are_counted() {
        let text =
            "file,name,x,y,width,height\nx.jpg,a,,,,\nx.jpg,a,1,2\n,a,1,2,3,4\nx.jpg,a,1,2,3,4\n";
        let contents = read(text).unwrap();
        assert_eq!((contents.count(), contents.left_out.count), (1, 3));
        let first = contents.left_out.first.unwrap();
        assert_eq!(first, "line 2 has no number for each edge of the box in x.jpg");
    }

    #[test]
    fn other_columns_are_refused() {
        for text in ["file,name,x,y,width\nx.jpg,it,0,0,9\n", "a\n1\n", "no table at all"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("columns must be file,name,x,y,width,height"), "{error}");
        }
        for empty in ["", "\n \n"] {
            assert_eq!(read(empty).unwrap().count(), 0);
        }
    }
}
