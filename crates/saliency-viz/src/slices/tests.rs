use burn::tensor::{Device, Tensor, TensorData};
use image::Rgb;
use saliency_photo::{Error as PhotoError, Map};

use super::*;

/// Returns maps of 4 x 4 pixels with one value each.
fn maps(strengths: &[f32], reduce: Reduce) -> Vec<Map> {
    let values: Vec<f32> = strengths
        .iter()
        .flat_map(|strength| (0..16).map(move |at| if at == 5 { *strength } else { 0.0 }))
        .collect();
    let shape = [1, 1, strengths.len(), 4, 4];
    let values = Tensor::<5>::from_data(TensorData::new(values, shape), &Device::flex());
    Map::of_slices(&values, 0, reduce).unwrap()
}

fn pictures(count: usize) -> Vec<RgbImage> {
    vec![RgbImage::from_pixel(8, 8, Rgb([90, 90, 90])); count]
}

#[test]
fn the_strongest_slice_is_shown_first() {
    let html = SlicePage::volume("lesion", pictures(3), maps(&[1.0, 4.0, 2.0], Reduce::Sum))
        .to_html()
        .unwrap();
    assert!(html.contains("id=\"slice\" type=\"range\" min=\"1\" max=\"3\" value=\"2\""), "{html}");
    assert_eq!(html.matches("<figure").count(), 3);
    // The share of each slice, in the table: 1, 4 and 2 of 7.
    for share in ["14 %", "57 %", "29 %"] {
        assert!(html.contains(&format!("<td>{share}</td>")), "{share}");
    }
}

#[test]
fn all_slices_share_one_scale() {
    let one = SlicePage::volume("lesion", pictures(2), maps(&[1.0, 8.0], Reduce::Sum));
    let html = one.to_html().unwrap();
    // Red is 8 in both slices, although the first has nothing above 1.
    assert!(html.contains("id=\"most\">8<"), "{html}");
    assert!(html.contains("id=\"least\">\u{2212}8<"), "{html}");
    assert!(html.contains("All slices share one scale."));
}

#[test]
fn of_many_frames_every_second_is_shown_and_the_strongest_among_them() {
    let mut strengths = vec![0.5; 301];
    strengths[150] = 9.0;
    let page = SlicePage::video("run", pictures(301), maps(&strengths, Reduce::AbsoluteSum));
    let html = page.to_html().unwrap();
    assert_eq!(html.matches("<figure").count(), 151);
    assert!(html.contains("Of 301 frames, this page shows 151: one of every 2."), "{html}");
    assert!(html.contains("max=\"151\" value=\"76\""));
    assert!(html.contains("most of all in 151."));
}

#[test]
fn the_file_of_large_slices_stays_small_and_says_so() {
    // Noise, which is the hardest to compress.
    let noise = |x: u32, y: u32, z: u32| {
        let mixed = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ z.wrapping_mul(97);
        (mixed.wrapping_mul(2_246_822_519) >> 13) as u8
    };
    let slices = 60;
    let pictures: Vec<RgbImage> = (0..slices)
        .map(|z| RgbImage::from_fn(400, 400, |x, y| Rgb([0, 7, 13].map(|c| noise(x, y, z + c)))))
        .collect();
    let maps = maps(&vec![1.0; slices as usize], Reduce::Sum);
    let html = SlicePage::volume("lesion", pictures, maps).to_html().unwrap();
    println!("{} bytes", html.len());
    assert!(html.len() < 8_000_000, "{}", html.len());
    assert!(html.contains("pixels on its longer side instead of 400, to keep the file small."));
}

#[test]
fn names_with_markup_in_them_are_text() {
    let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
    let page = SlicePage::volume(hostile, pictures(1), maps(&[1.0], Reduce::Sum));
    let html = page.with_title(hostile).with_method(hostile).with_note(hostile).to_html().unwrap();
    assert!(!html.contains("<script>alert") && !html.contains("<img src=x"));
    assert_eq!(html.matches("</script>").count(), 1);
}

#[test]
fn slices_that_do_not_fit_together_are_errors() {
    let sum = || maps(&[1.0, 2.0], Reduce::Sum);
    let error = SlicePage::volume("a", pictures(3), sum()).to_html().unwrap_err();
    let said = "a page of slices needs one map for each picture, found 3 pictures and 2 maps";
    assert_eq!(error.to_string(), said);
    let none = SlicePage::volume("a", Vec::new(), Vec::new()).to_html();
    assert!(matches!(none, Err(Error::NoMaps)));
    let mut unlike = sum();
    unlike[1] = maps(&[1.0], Reduce::Max).remove(0);
    let error = SlicePage::video("a", pictures(2), unlike).to_html().unwrap_err();
    assert!(matches!(error, Error::UnlikeSlice { slice: 1 }), "{error}");
    let mut larger = pictures(2);
    larger[1] = RgbImage::new(9, 9);
    let error = SlicePage::volume("a", larger, sum()).to_html().unwrap_err();
    assert!(matches!(error, Error::UnlikeSlice { slice: 1 }), "{error}");
    let empty = vec![RgbImage::new(0, 0); 2];
    let error = SlicePage::volume("a", empty, sum()).to_html().unwrap_err();
    assert!(matches!(error, Error::Photo(PhotoError::Region { .. })), "{error}");
    let wide = vec![RgbImage::new(60, 20); 2];
    let error = SlicePage::volume("a", wide, sum()).to_html().unwrap_err();
    assert!(matches!(error, Error::Photo(PhotoError::Aspect { .. })), "{error}");
}

#[test]
fn a_map_of_zeros_says_that_nothing_speaks_for_it() {
    let html =
        SlicePage::volume("a", pictures(2), maps(&[0.0, 0.0], Reduce::Sum)).to_html().unwrap();
    assert!(html.contains("This is about a. Nothing in the volume speaks for that."));
    assert!(html.contains("max=\"2\" value=\"1\""));
}
