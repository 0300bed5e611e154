//! Pages in the browser that people use: Chromium, or whichever the variable `CHROME` names.
//!
//! With `SALIENCY_SCREENSHOTS` set to a folder, what the browser showed is left there. With
//! `SALIENCY_AXE` set to the file `axe.min.js` of the npm package `axe-core`, pages are checked for
//! what keeps people out: see [`axe`].

mod axe;
mod browser;
mod first_screen;
mod slices;

use burn::tensor::{Device, Tensor, TensorData};
use image::{Rgb, RgbImage};
use saliency_photo::{Map, MarkedArea, Reduce, Region, ScaledMap, View};
use saliency_viz::{Page, PageMap, Token, Tokens};

use browser::open;

/// A bump of attribution around a place.
fn bump(at: (f32, f32), reduce: Reduce) -> ScaledMap {
    let value = |index: i32| {
        let (x, y) = ((index % 64) as f32, (index / 64) as f32);
        let far = ((x - at.0).powi(2) + (y - at.1).powi(2)) / 60.0;
        (-far).exp() - 0.2 * (-far / 9.0).exp()
    };
    let values: Vec<f32> = (0..64 * 64).map(value).collect();
    let values = Tensor::<4>::from_data(TensorData::new(values, [1, 1, 64, 64]), &Device::flex());
    Map::of_row(&values, 0, reduce).unwrap().clip_beyond(0.9).unwrap()
}

const HOSTILE: &str =
    "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=2>";

#[test]
fn a_page_answers_to_mouse_and_keys_and_asks_for_nothing() {
    let photo = RgbImage::from_fn(600, 400, |x, y| Rgb([(x / 3) as u8, (y / 2) as u8, 120]));
    let seen = Region { x: 100, y: 0, width: 400, height: 400 };
    let face = Region { x: 150, y: 50, width: 130, height: 130 };
    let layer =
        |method: &str, class: &str, at, reduce| PageMap::new(method, class, bump(at, reduce));
    let page = Page::new(View::new(&photo, seen))
        .with_title(HOSTILE)
        .with_map(
            layer("gradient", "tabby", (16.0, 18.0), Reduce::AbsoluteSum).with_prediction(0.5),
        )
        .with_map(layer("SmoothGrad", "tabby", (20.0, 18.0), Reduce::Sum).with_prediction(0.5))
        .with_map(layer("gradient", HOSTILE, (50.0, 40.0), Reduce::AbsoluteSum).with_note(HOSTILE))
        .with_marked_area(MarkedArea::boxes("the face", [face]));
    let Some(page) = open(&page.to_html().unwrap()) else { return };
    page.screenshot("desktop.png");
    let sentence = page.text("sentence");
    assert!(
        sentence.starts_with("The model says tabby (50 %). Half of what made it"),
        "{sentence}"
    );
    assert!(sentence.ends_with("of the picture: the face."), "{sentence}");

    // Under the map the photo is grey and dimmed, as in an overlay; without it, it is as it was.
    let filter = || page.ask("getComputedStyle(document.getElementById('photo')).filter");
    let (on, first) = (filter(), page.drawn());
    assert_eq!(on, "grayscale(1) brightness(0.55)");
    page.focus("over");
    page.press(" ");
    assert_eq!(filter(), "none");
    assert!(page.drawn() != first);
    page.screenshot("photo.png");
    page.press(" ");
    assert_eq!((filter(), page.drawn()), (on, first.clone()));
    page.focus("opacity");
    page.press("Home");
    assert_eq!(filter(), "none");
    page.ask("document.getElementById('opacity').value = 80");

    // Sliders move the picture.
    page.focus("opacity");
    page.press("ArrowLeft");
    let paler = page.drawn();
    assert!(paler != first && page.text("opacity-is") == "79 %");
    page.focus("threshold");
    page.press("Home");
    assert!(page.drawn() != paler);
    assert_eq!(page.text("threshold-is"), "1 % of what was seen");
    page.press("End");
    assert_eq!(page.drawn(), paler);

    // Arrows on the picture, then the mouse, read values.
    page.focus("map");
    page.press("ArrowRight");
    let middle = page.text("value");
    assert!(middle.contains("of the total, stronger than"), "{middle}");
    // One to the right of the middle, to the three digits that are shown.
    let shown: f64 = middle[6..].split(':').next().unwrap().parse().unwrap();
    let value = bump((16.0, 18.0), Reduce::AbsoluteSum).map().values()[32 * 64 + 33];
    assert!((shown / value - 1.0).abs() < 0.01, "{shown} for {value}");
    for _ in 0..16 {
        page.press("ArrowLeft");
    }
    assert!(page.text("value") != middle);
    let at = page.tab.find_element("#map").unwrap().get_midpoint().unwrap();
    page.tab.move_mouse_to_point(at).unwrap();
    let pointed = page.text("value");
    assert!(pointed.starts_with("Value "), "{pointed}");

    // Methods and classes by key; a class that only one method explained takes that method along.
    page.press("m");
    assert_eq!(page.ask("document.getElementById('method').value"), "SmoothGrad");
    assert!(page.drawn() != paler && page.text("least").contains('\u{2212}'));
    page.screenshot("signed.png");
    page.press("c");
    assert_eq!(page.ask("document.getElementById('class').value"), HOSTILE);
    assert_eq!(page.ask("document.getElementById('method').value"), "gradient");
    assert!(page.text("sentence").contains(HOSTILE));
    page.focus("outlines");
    page.press(" ");
    assert_eq!(page.ask("document.getElementById('places').hidden"), "true");

    for (width, dark, name) in [(360, false, "phone.png"), (360, true, "phone-dark.png")] {
        page.set_size([width, 1400], dark);
        let wide: u32 = page.ask("document.documentElement.scrollWidth").parse().unwrap();
        assert!(wide <= width, "{wide} pixels wide on a phone of {width}");
        page.screenshot(name);
    }

    assert_eq!(page.ask("typeof window.hacked"), "undefined");
    // The policy holds against what would come in some other way.
    page.ask(
        "document.body.insertAdjacentHTML('beforeend', '<i onclick=\"window.hacked=3\">x</i>')",
    );
    page.ask("document.body.lastElementChild.click()");
    assert_eq!(page.ask("typeof window.hacked"), "undefined");
    let complaints = std::mem::take(&mut *page.complaints.lock().unwrap());
    let about_policy = |text: &String| text.contains("Content Security Policy");
    assert!(complaints.iter().all(about_policy) && complaints.len() <= 1, "{complaints:?}");
    let requests = page.requests.lock().unwrap();
    let own = |url: &String| url.starts_with("data:") || url.contains("page%20%231.html");
    assert!(!requests.is_empty() && requests.iter().all(own), "{requests:?}");
}

#[test]
fn tokens_are_shown_in_colour_and_without_script() {
    let words = [("the food was ", 0.02), ("not ", -0.9), (HOSTILE, 0.3), (" good", 1.0)];
    let words = words.map(Token::from).into_iter();
    let tokens = [Token::special("[CLS]", 0.4)].into_iter().chain(words);
    let tokens = tokens.chain([Token::between(HOSTILE), Token::special("[SEP]", -0.1)]);
    let tokens = Tokens::new(tokens).unwrap().with_sentence(HOSTILE);
    let html = tokens.to_html("good rather than bad");
    let Some(page) = open(&html) else { return };
    page.screenshot("tokens.png");
    let color = page.ask("getComputedStyle(document.querySelector('#text .v256')).backgroundColor");
    assert_eq!(color, "rgb(202, 0, 32)");
    let pale = "getComputedStyle(document.querySelector('#text .special')).backgroundColor";
    assert_eq!(page.ask(pale), "rgba(0, 0, 0, 0)");
    assert_eq!(page.ask("typeof window.hacked"), "undefined");
    assert_eq!(*page.complaints.lock().unwrap(), [""; 0]);
}
