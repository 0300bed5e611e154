//! Converts a photo's own colours to sRGB.

use image::RgbImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// A profile that changes no colour by more than this number of levels counts as sRGB.
const MOST_ROUNDING: u8 = 1;

/// Converts a photo from the colours of its ICC profile to sRGB.
///
/// A profile that cannot be read, or that is not for RGB or grey, changes nothing, as in most
/// programs. A profile that is sRGB itself changes nothing either, so that such photos keep their
/// exact values.
pub(crate) fn to_srgb(photo: &mut RgbImage, profile: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
    match profile.color_space {
        DataColorSpace::Rgb => rgb_to_srgb(photo, &profile),
        DataColorSpace::Gray => grey_to_srgb(photo, &profile),
        _ => {}
    }
}

fn rgb_to_srgb(photo: &mut RgbImage, profile: &ColorProfile) {
    let Some(convert) = converter(profile, Layout::Rgb) else { return };
    if !changes(&samples(), &convert) {
        return;
    }
    let width = photo.width() as usize;
    // Convert one row at a time, so that only one copy of the photo is in memory.
    for row in photo.chunks_exact_mut(3 * width) {
        if let Some(converted) = convert(row) {
            row.copy_from_slice(&converted);
        }
    }
}

/// Converts a photo whose profile is for grey, with a table of all greys.
fn grey_to_srgb(photo: &mut RgbImage, profile: &ColorProfile) {
    let greys: Vec<u8> = (0..=u8::MAX).collect();
    let convert = converter(profile, Layout::Gray);
    let Some(table) = convert.and_then(|convert| convert(&greys)) else { return };
    let identity = greys.iter().flat_map(|&grey| [grey; 3]);
    if identity.zip(&table).all(|(from, &to)| from.abs_diff(to) <= MOST_ROUNDING) {
        return;
    }
    for pixel in photo.pixels_mut() {
        let at = 3 * usize::from(pixel.0[0]);
        pixel.0.copy_from_slice(&table[at..at + 3]);
    }
}

/// Returns a function that converts pixels from a profile to sRGB, or `None` if the profile has no
/// such conversion.
fn converter(profile: &ColorProfile, from: Layout) -> Option<impl Fn(&[u8]) -> Option<Vec<u8>>> {
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions { prefer_fixed_point: false, ..Default::default() };
    let transform = profile.create_transform_8bit(from, &srgb, Layout::Rgb, options).ok()?;
    let channels = from.channels();
    Some(move |pixels: &[u8]| {
        let mut converted = vec![0; 3 * pixels.len() / channels];
        transform.transform(pixels, &mut converted).ok()?;
        Some(converted)
    })
}

/// Returns sample colours from the whole range of RGB.
fn samples() -> Vec<u8> {
    let levels = || (0..=u8::MAX).step_by(51);
    let pairs = levels().flat_map(|red| levels().map(move |green| [red, green]));
    pairs.flat_map(|[red, green]| levels().flat_map(move |blue| [red, green, blue])).collect()
}

/// Returns whether a conversion changes colours by more than rounding.
fn changes(colors: &[u8], convert: impl Fn(&[u8]) -> Option<Vec<u8>>) -> bool {
    let converted = convert(colors).unwrap_or_default();
    colors.iter().zip(&converted).any(|(from, to)| from.abs_diff(*to) > MOST_ROUNDING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn converted(color: [u8; 3], profile: &[u8]) -> [u8; 3] {
        let mut photo = RgbImage::from_pixel(3, 2, Rgb(color));
        to_srgb(&mut photo, profile);
        assert!(photo.pixels().all(|pixel| pixel == photo.get_pixel(0, 0)));
        photo.get_pixel(0, 0).0
    }

    #[track_caller]
    fn assert_near(found: [u8; 3], expected: [u8; 3]) {
        let near = found.iter().zip(&expected).all(|(it, other)| it.abs_diff(*other) <= 1);
        assert!(near, "{found:?} rather than {expected:?}");
    }

    #[test]
    fn wide_colours_become_those_of_srgb() {
        // The closed form: undo the gamma, apply the matrix, then the curve of sRGB.
        let adobe = ColorProfile::new_adobe_rgb().encode().unwrap();
        let linear = [200.0, 100.0, 50.0f64].map(|level| (level / 255.0).powf(563.0 / 256.0));
        // From Adobe RGB (1998) to sRGB, both with the white D65.
        let matrix = [[1.398_355, -0.398_355, 0.0], [0.0, 1.0, 0.0], [0.0, -0.042_931, 1.042_931]];
        let srgb = matrix.map(|row| {
            let linear: f64 = row.iter().zip(&linear).map(|(a, b)| a * b).sum();
            let level = if linear <= 0.003_130_8 {
                12.92 * linear
            } else {
                1.055 * linear.powf(1.0 / 2.4) - 0.055
            };
            (255.0 * level).round() as u8
        });
        assert_near(converted([200, 100, 50], &adobe), srgb);
        // For greys the two curves differ by a level or two at most, and the result has no colour.
        let grey = converted([128; 3], &adobe);
        assert!(grey.iter().all(|level| level.abs_diff(grey[0]) <= 1), "{grey:?}");
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        assert_eq!(converted([0, 0, 0], &p3), [0, 0, 0]);
        assert_eq!(converted([255, 255, 255], &p3), [255, 255, 255]);
        let red = converted([200, 60, 60], &p3);
        assert!(red[0] > 205 && red[1] < 55, "{red:?}");
    }

    #[test]
    fn srgb_keeps_its_numbers_and_so_does_what_cannot_be_read() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let cut = &p3[..p3.len() / 2];
        for profile in [&srgb[..], cut, b"", b"not a profile", &[0xff; 400]] {
            assert_eq!(converted([200, 60, 31], profile), [200, 60, 31]);
        }
    }

    #[test]
    fn greys_follow_their_own_curve() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        // A fifth of the light is much brighter than level 51.
        let grey = converted([51; 3], &linear);
        assert_near(grey, [124; 3]);
    }
}
