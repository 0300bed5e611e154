//! The first screen says what the model answered, where it looked, whether that was tested, and how
//! sure all of it is.

use burn::tensor::{Device, Tensor, TensorData};
use image::{Rgb, RgbImage};
use saliency_photo::{Map, MarkedArea, Reduce, Region, Size, View};
use saliency_viz::{Outcome, Page, PageMap, PageTest, Trial, Trials};

use crate::browser::open;

/// Two places: one of four regions in the upper left corner, and one of two below.
fn regions() -> PageMap {
    let mut values = vec![0.01f32; 14 * 14];
    for (region, value) in [(0, 4.0), (1, 3.0), (14, 2.0), (15, 2.0), (108, 2.5), (122, 2.4)] {
        values[region] = value;
    }
    let values = Tensor::<4>::from_data(TensorData::new(values, [1, 1, 14, 14]), &Device::flex());
    let map = Map::of_row(&values, 0, Reduce::Positive).unwrap().clip_beyond(1.0).unwrap();
    let small = |red| RgbImage::from_pixel(224, 224, Rgb([red, 90, 60]));
    let grid = Size { width: 14, height: 14 };
    let trials = Trials {
        shown: Trial::new(small(200), ["golden retriever 94\u{a0}%"]),
        covered: Trial::new(small(150), ["cocker spaniel 41\u{a0}%", "golden retriever 20\u{a0}%"])
            .with_outline(grid, &[0, 1, 14, 15]),
        elsewhere: Trial::new(small(100), ["golden retriever 91\u{a0}%"])
            .with_outline(grid, &[70, 71, 84, 85]),
    };
    let sentence = "Confirmed. If the brightest 5 % of the picture are covered, the model no longer \
                    says golden retriever but cocker spaniel (94 % -> 20 %); if as much is covered \
                    elsewhere, it is 91 % on average, and the answer stays the same in 20 of 20 tries.";
    let test =
        PageTest::new(Outcome::Confirmed, sentence).with_luck(1.0 / 21.0).with_trials(trials);
    PageMap::new("Regions", "golden retriever", map)
        .with_prediction(0.94)
        .with_regions()
        .with_error(0.12)
        .with_test(test)
}

pub(crate) fn photo() -> RgbImage {
    RgbImage::from_fn(600, 400, |x, y| Rgb([(x / 3) as u8, (y / 2) as u8, 120]))
}

/// A page with everything that a page can have.
pub(crate) fn sample(photo: &RgbImage) -> Page<'_> {
    let values: Vec<f32> = (0..64 * 64).map(|at| ((at % 64) as f32 / 9.0).sin()).collect();
    let values = Tensor::<4>::from_data(TensorData::new(values, [1, 1, 64, 64]), &Device::flex());
    let pixels = Map::of_row(&values, 0, Reduce::Sum).unwrap().clip_beyond(0.9).unwrap();
    let pixels =
        PageMap::new("gradient", "tabby", pixels).with_probability(0.02).with_note("a note");
    let seen = Region { x: 100, y: 0, width: 400, height: 400 };
    Page::new(View::new(photo, seen))
        .with_title("dog")
        .with_map(regions())
        .with_map(pixels)
        .with_marked_area(MarkedArea::boxes(
            "the head",
            [Region { x: 90, y: 0, width: 80, height: 80 }],
        ))
}

#[test]
fn the_first_screen_answers_four_questions_at_both_widths() {
    let Some(page) = open(&sample(&photo()).to_html().unwrap()) else { return };
    let of = |selector: &str, what: &str| {
        page.ask(&format!("document.querySelector('{selector}').{what}"))
    };
    assert_eq!(of("#answer", "textContent"), "The model says golden retriever (94 %).");
    // The sum is 17.8. The three strongest hold half of it: 4 and 3, which touch, and one of 2.5.
    let places = "lies in 3 of 196 regions (1.0 % of the picture), in two places: the head.";
    assert_eq!(of("#where", "textContent"), format!("Half of what made it say so {places}"));
    assert_eq!(of("#shares", "textContent"), "39 %14 %");
    assert_eq!(of(".test h2", "textContent"), "Tested: confirmed");
    assert_eq!(
        of(".test li:last-child", "textContent"),
        "The test: luck does as well in 4.8 % of cases."
    );
    let captions =
        "[...document.querySelectorAll('figcaption')].map((it) => it.textContent).join('; ')";
    assert_eq!(
        page.ask(captions),
        "As shown golden retriever 94\u{a0}%; These covered cocker spaniel 41\u{a0}% golden retriever \
         20\u{a0}%; Others covered golden retriever 91\u{a0}%"
    );
    for ([width, height], name) in [([1200, 800], "first-1200.png"), ([360, 740], "first-360.png")]
    {
        page.set_size([width, height], false);
        for part in ["#answer", "#where", "#stage", ".test h2", ".trials", ".test ul"] {
            let bottom: f64 = of(part, "getBoundingClientRect().bottom").parse().unwrap();
            assert!(bottom > 0.0 && bottom <= f64::from(height), "{part} at {width}: {bottom}");
        }
        page.screenshot(name);
        let wide: u32 = page.ask("document.documentElement.scrollWidth").parse().unwrap();
        assert!(wide <= width, "{wide} pixels wide on a screen of {width}");
    }
}

#[test]
fn a_printed_page_has_the_answers_and_no_controls() {
    let Some(page) = open(&sample(&photo()).to_html().unwrap()) else { return };
    page.set_print();
    let height = |part: &str| {
        let part = format!("document.querySelector('{part}').getBoundingClientRect().height");
        page.ask(&part).parse::<f64>().unwrap()
    };
    for part in ["#answer", "#stage", "#borders", ".test h2", ".trials", ".test ul", "table"] {
        assert!(height(part) > 0.0, "{part}");
    }
    for part in ["#controls", "#keys", "#closer", "#reading"] {
        assert_eq!(height(part), 0.0, "{part}");
    }
    page.screenshot("print.png");
}

#[test]
fn regions_are_drawn_and_pixels_are_shown_on_request() {
    let Some(page) = open(&sample(&photo()).to_html().unwrap()) else { return };
    let filter = || page.ask("getComputedStyle(document.getElementById('photo')).filter");
    let hidden =
        |id: &str| page.ask(&format!("document.getElementById('{id}').hasAttribute('hidden')"));
    // Two regions that touch have six edges, and one has four.
    let edges = page
        .ask("document.querySelector('#borders .line').getAttribute('d').split('M').length - 1");
    let drawn = [filter(), hidden("borders"), hidden("bar"), edges];
    assert_eq!(drawn, ["none", "false", "true", "10"]);
    page.focus("regions");
    page.press(" ");
    assert_eq!([hidden("borders"), hidden("shares")], ["true"; 2]);
    page.press(" ");
    // Whoever chooses colours wants to see them.
    page.focus("palette");
    page.press("ArrowDown");
    assert_eq!([filter(), hidden("bar")], ["grayscale(1) brightness(0.55)", "false"]);
    let inferno = page.drawn();
    page.press("ArrowDown");
    assert!(page.drawn() != inferno);
    page.press("ArrowUp");
    page.press("ArrowUp");
    assert_eq!(page.drawn(), inferno, "the colours that suit this map");
    page.focus("over");
    page.press(" ");
    // The other map has no regions and was not tested.
    page.focus("class");
    page.press("ArrowDown");
    assert_eq!(page.ask("document.getElementById('method').value"), "gradient");
    assert_eq!(filter(), "grayscale(1) brightness(0.55)");
    assert_eq!([hidden("borders"), hidden("bar")], ["true", "false"]);
    let finding = || page.ask("document.querySelector('.test:not([hidden]) h2').textContent");
    assert_eq!(finding(), "Not tested");
    page.press("ArrowUp");
    assert_eq!([filter(), hidden("borders")], ["none", "false"]);
    assert_eq!(finding(), "Tested: confirmed");
}
