//! Recognises the kind of a file of boxes from its content, and reads folders of such files.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::drawing::Contents;
use super::error::BoxesError;
use super::{json, text, titled, voc, yolo};

/// The endings of files that may hold boxes. A folder may also have photos and other files.
const ENDINGS: [&str; 4] = ["json", "xml", "txt", "csv"];
/// Larger files are not read. The file of the COCO data set has 450 MiB.
const MOST_BYTES: u64 = 1 << 30;
/// Files that hold the names of YOLO's classes, one on each line.
const CLASSES: [&str; 2] = ["classes.txt", "obj.names"];

/// Reads a file of boxes, or all files of a folder.
pub(super) fn read(path: &Path) -> Result<Contents, BoxesError> {
    if !path.is_dir() {
        let classes = classes(path.parent().unwrap_or(path));
        return file(path, &classes);
    }
    // Read the files in the order of their names, so that the same folder gives the same boxes.
    let entries: Result<Vec<_>, _> = fs::read_dir(path)?.collect();
    let mut files: Vec<PathBuf> = entries?.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| may_have_boxes(file));
    files.sort();
    let classes = classes(path);
    let (mut all, mut first_error) = (Contents::default(), None);
    for path in files {
        match file(&path, &classes) {
            Ok(contents) => {
                if all.format.is_empty() {
                    all.format = contents.format;
                }
                all.join(contents);
            }
            // This is another text in the folder, such as a README.
            Err(BoxesError::Columns { .. } | BoxesError::UnknownKind { .. }) => {}
            Err(error) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                all.left_out.add(|| format!("{name} cannot be read: {error}"));
                first_error = first_error.or(Some(error));
            }
        }
    }
    match first_error {
        Some(error) if all.drawings.is_empty() => Err(error),
        _ => Ok(all),
    }
}

fn may_have_boxes(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    path.is_file() && ENDINGS.contains(&&ending[..]) && !CLASSES.contains(&&name[..])
}

/// Reads the names of YOLO's classes, if the folder has them.
fn classes(folder: &Path) -> Vec<String> {
    let files = CLASSES.iter().filter_map(|name| fs::read(folder.join(name)).ok());
    let lines = |bytes: Vec<u8>| -> Vec<String> {
        text::decoded(&bytes).lines().map(|line| line.trim().to_owned()).collect()
    };
    files.map(lines).next().unwrap_or_default()
}

/// Reads the bytes of a file or a pipe, up to a limit, because a pipe may never end.
fn content(path: &Path, most: u64) -> Result<Vec<u8>, BoxesError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(BoxesError::TooLarge { most: most >> 20 });
    }
    Ok(bytes)
}

/// Reads one file.
fn file(path: &Path, classes: &[String]) -> Result<Contents, BoxesError> {
    let bytes = content(path, MOST_BYTES)?;
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(BoxesError::unread(
            "a ZIP archive or a workbook",
            "unpack the archive, or save the workbook as CSV",
        ));
    }
    let text = text::decoded(&bytes);
    let text = text.trim_start();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match text.bytes().next() {
        Some(b'{' | b'[') => json::read(text, &name),
        Some(b'<') => voc::read(text, &name),
        _ if text.contains('\0') => {
            Err(BoxesError::UnknownKind { found: "a file that is not a text" })
        }
        _ if yolo::is_yolo(text) => Ok(yolo::read(text, &name, classes)),
        // An empty file belongs to a photo without boxes.
        _ => titled::read(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_files_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("classes.txt", "cat\ndog\n");
        write("README.txt", "These are photos, and boxes in them.");
        write("data.yaml", "nc: 2");
        write("a.txt", "1 0.5 0.5 0.5 0.5\n");
        write("b.txt", "");
        write("c.xml", "<annotation><object><bndbox/></object></annotation>");
        write("d.json", "{");
        write("e.jpg", "no photo");
        let contents = read(folder.path()).unwrap();
        assert_eq!((contents.count(), contents.left_out.count), (1, 2));
        assert_eq!(contents.drawings["a.txt"].boxes[0].name, "dog");
        // The same file by itself, and a folder that has only broken files.
        let alone = read(&folder.path().join("a.txt")).unwrap();
        assert_eq!((alone.format, alone.count()), ("YOLO", 1));
        for name in ["a.txt", "b.txt", "c.xml"] {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
        assert!(matches!(read(folder.path()), Err(BoxesError::Json { .. })));
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boxes.csv");
        fs::write(&path, vec![b'a'; 3 << 20]).unwrap();
        assert_eq!(content(&path, 3 << 20).unwrap().len(), 3 << 20);
        let error = content(&path, 2 << 20).unwrap_err().to_string();
        assert!(error.starts_with("a file of more than 2 MiB; "), "{error}");
        #[cfg(unix)]
        assert!(content(Path::new("/dev/zero"), 9).is_err());
    }

    #[test]
    fn the_content_says_what_a_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boxes.csv");
        let coco = r#"{"images": [{"id": 1, "file_name": "x.jpg"}],
            "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]}"#;
        fs::write(&path, format!("\u{feff}\n{coco}")).unwrap();
        assert_eq!(read(&path).unwrap().format, "COCO");
        for (bytes, found) in [
            (&b"PK\x03\x04..."[..], "a ZIP archive or a workbook; unpack"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text"),
            (b"<!DOCTYPE html><html></html>", "a web page"),
        ] {
            fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
        }
    }
}
