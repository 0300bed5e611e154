//! Pascal VOC: a file in XML for each photo.

use roxmltree::{Document, Node, ParsingOptions};

use super::drawing::{Contents, Corners, DrawnOn};
use super::error::BoxesError;

/// Reads a file in XML. If it does not name the photo, the file's own name is used.
pub(super) fn read(xml: &str, file: &str) -> Result<Contents, BoxesError> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let parsed = Document::parse_with_options(xml, options);
    let document = match parsed {
        Ok(document) => document,
        Err(_) if xml.to_ascii_lowercase().contains("<html") => {
            return Err(BoxesError::UnknownKind { found: "a web page" });
        }
        Err(error) => return Err(BoxesError::Xml { source: error.into() }),
    };
    let root = document.root_element();
    match root.tag_name().name() {
        "annotation" => Ok(annotation(root, file)),
        "annotations" => Err(BoxesError::unread("a file of CVAT", "export it as COCO")),
        "dataset" => Err(BoxesError::unread("a file of dlib", "convert it to Pascal VOC")),
        "html" => Err(BoxesError::UnknownKind { found: "a web page" }),
        _ => Err(BoxesError::UnknownKind { found: "XML of a kind that is not known here" }),
    }
}

/// Reads the boxes of one photo.
fn annotation(root: Node, file: &str) -> Contents {
    let photo = text(root, "filename").unwrap_or(file);
    let size = child(root, "size");
    let length = |name: &str| number(size?, name);
    let drawn_on = DrawnOn::of_size(length("width"), length("height"));
    let mut contents = Contents::new("Pascal VOC");
    contents.mention(photo, drawn_on);
    for object in root.children().filter(|it| it.has_tag_name("object")) {
        let name = text(object, "name").unwrap_or("box");
        match child(object, "bndbox").and_then(corners) {
            Some(corners) => contents.add(photo, drawn_on, corners.named(name)),
            None => contents.left_out.add(|| format!("\"{name}\" in {photo} has no box")),
        }
    }
    contents
}

fn corners(bndbox: Node) -> Option<Corners> {
    Some(Corners {
        left: number(bndbox, "xmin")?,
        top: number(bndbox, "ymin")?,
        right: number(bndbox, "xmax")?,
        bottom: number(bndbox, "ymax")?,
    })
}

fn child<'a, 'b>(node: Node<'a, 'b>, name: &str) -> Option<Node<'a, 'b>> {
    node.children().find(|it| it.has_tag_name(name))
}

/// Returns the text of a child, if there is one.
fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim).filter(|text| !text.is_empty())
}

fn number(node: Node, name: &str) -> Option<f64> {
    text(node, name)?.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boxes_of_a_photo_are_read() {
        let xml =
            "<?xml version=\"1.0\"?>\n<annotation><folder>a</folder><filename>x.jpg</filename>
            <size><width>64</width><height>48</height><depth>3</depth></size>
            <object><name>cat</name><part><name>ear</name><bndbox><xmin>9</xmin></bndbox></part>
            <bndbox><xmin>1</xmin><xmax>5</xmax><ymin>2.5</ymin><ymax>9</ymax></bndbox></object>
            <object><name>dog</name></object></annotation>";
        let contents = read(xml, "y.xml").unwrap();
        let drawing = &contents.drawings["x.jpg"];
        assert_eq!(drawing.drawn_on, DrawnOn::Pixels { width: 64, height: 48 });
        let corners = Corners { left: 1.0, top: 2.5, right: 5.0, bottom: 9.0 };
        assert_eq!(drawing.boxes, [corners.named("cat")]);
        assert_eq!(contents.left_out.first.unwrap(), "\"dog\" in x.jpg has no box");
        let nameless = read("<annotation/>", "y.xml").unwrap();
        assert!(nameless.drawings.contains_key("y.xml"));
    }

    #[test]
    fn other_xml_is_named() {
        for (xml, name) in [
            ("<annotations><image/></annotations>", "CVAT"),
            ("<dataset/>", "dlib"),
            ("<!DOCTYPE html><html><p>404<br></html>", "a web page"),
            ("<svg/>", "not known here"),
            ("<annotation>", "broken XML"),
        ] {
            let error = read(xml, "x.xml").unwrap_err().to_string();
            assert!(error.contains(name), "{xml}: {error}");
        }
    }
}
