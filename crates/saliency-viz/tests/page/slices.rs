//! Pages of volumes and videos.

use burn::tensor::{Device, Tensor, TensorData};
use saliency_photo::{Map, Reduce, slice_pictures};
use saliency_viz::SlicePage;

use crate::axe::{all_violations, axe};
use crate::browser::open;

/// A volume of eight slices whose map is strongest in slice 6.
fn sample() -> SlicePage {
    let shape = [1, 1, 8, 16, 16];
    let value = |at: usize| {
        let (slice, row, column) = (at / 256, at / 16 % 16, at % 16);
        let near = |off: usize, middle: f32| (off as f32 - middle).powi(2);
        (-near(slice, 5.0) / 2.0 - (near(row, 5.0) + near(column, 9.0)) / 9.0).exp()
    };
    let values: Vec<f32> = (0..8 * 256).map(|at| value(at) - 0.02).collect();
    let volume: Vec<f32> = (0..8 * 256).map(|at| (at as f32 * 0.37).sin() + value(at)).collect();
    let tensor = |values| Tensor::<5>::from_data(TensorData::new(values, shape), &Device::flex());
    let maps = Map::of_slices(&tensor(values), 0, Reduce::Sum).unwrap();
    SlicePage::volume("lesion", slice_pictures(&tensor(volume), 0).unwrap(), maps)
        .with_title(crate::HOSTILE)
        .with_prediction(0.93)
        .with_note("a note")
}

#[test]
fn the_slider_shows_one_slice_at_a_time_and_begins_at_the_strongest() {
    let Some(page) = open(&sample().to_html().unwrap()) else { return };
    let shown = || {
        let visible = "[...document.querySelectorAll('figure')].filter((it) => !it.hidden)";
        page.ask(&format!("{visible}.map((it) => it.textContent).join('; ')"))
    };
    let spoken = || page.ask("document.getElementById('slice').getAttribute('aria-valuetext')");
    assert!(shown().starts_with("Slice 6: ") && !shown().contains(';'), "{}", shown());
    assert_eq!(page.text("now"), "6 of 8");
    assert_eq!(spoken(), shown());
    let sentence = page.text("sentence");
    assert!(sentence.contains("of 8 slices: ") && sentence.contains("6"), "{sentence}");
    page.screenshot("slices.png");
    page.focus("slice");
    page.press("ArrowRight");
    assert!(shown().starts_with("Slice 7: "), "{}", shown());
    page.press("Home");
    assert!(shown().starts_with("Slice 1: "), "{}", shown());
    assert_eq!((page.text("now").as_str(), spoken()), ("1 of 8", shown()));
    assert_eq!(page.ask("document.querySelectorAll('#bars .now').length"), "1");
    // The slice and its map are equally wide.
    let widths = "[...document.querySelectorAll('figure:not([hidden]) img')].map((it) => it.width)";
    let widths = page.ask(&format!("{widths}.join(' ')"));
    let [first, second] = widths.split(' ').collect::<Vec<_>>()[..] else { panic!("{widths}") };
    assert_eq!(first, second);
    for (width, dark, name) in [(360, false, "slices-phone.png"), (360, true, "slices-dark.png")] {
        page.set_size([width, 900], dark);
        let wide: u32 = page.ask("document.documentElement.scrollWidth").parse().unwrap();
        assert!(wide <= width, "{wide} pixels wide on a phone of {width}");
        page.screenshot(name);
    }
    assert_eq!(page.ask("typeof window.hacked"), "undefined");
    assert_eq!(*page.complaints.lock().unwrap(), [""; 0]);
    let requests = page.requests.lock().unwrap();
    let own = |url: &String| url.starts_with("data:") || url.contains("page%20%231.html");
    assert!(!requests.is_empty() && requests.iter().all(own), "{requests:?}");
}

#[test]
fn axe_finds_no_violation_on_slices() {
    let Some(axe) = axe() else { return };
    let Some(page) = open(&sample().to_html().unwrap()) else { return };
    assert_eq!(all_violations(&page, &axe), [""; 0]);
    page.ask("document.querySelector('details').open = true");
    assert_eq!(all_violations(&page, &axe), [""; 0]);
}
