//! Which photos are covered.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::digest;

/// Which photos of a folder are covered and shown to the model again: a number of them, or a share.
///
/// They are drawn by a digest of their names. So the choice does not depend on the order of the
/// photos, and few of the choices change if photos are added.
///
/// # Default
/// 50 photos; all, if there are fewer.
///
/// # Example
/// ```
/// use saliency_audit::CoverSample;
///
/// assert_eq!("20".parse(), Ok(CoverSample::Photos(20)));
/// assert_eq!("20%".parse(), Ok(CoverSample::Share(0.2)));
/// assert_eq!("0.2".parse(), Ok(CoverSample::Share(0.2)));
/// assert_eq!("all".parse(), Ok(CoverSample::Share(1.0)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CoverSample {
    /// So many photos. 0 covers nothing.
    Photos(usize),
    /// This share of the photos, from 0 to 1. Numbers are rounded up.
    Share(f64),
}

impl Default for CoverSample {
    fn default() -> Self {
        Self::Photos(50)
    }
}

impl CoverSample {
    /// Draws from the names of all photos.
    pub(crate) fn draw<'a>(self, names: &[&'a str]) -> BTreeSet<&'a str> {
        let count = match self {
            Self::Photos(count) => count,
            Self::Share(share) => (share * names.len() as f64).ceil() as usize,
        };
        let mut drawn: Vec<(String, &str)> =
            names.iter().map(|name| (digest(name.as_bytes()), *name)).collect();
        drawn.sort();
        drawn.into_iter().take(count).map(|(_, name)| name).collect()
    }
}

/// Reads a number of photos ("20"), a share ("20%" or "0.2"), or "all".
impl FromStr for CoverSample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("expected a number of photos (20), a share (20% or 0.2) or all, found {text}")
        };
        if text == "all" {
            return Ok(Self::Share(1.0));
        }
        if let Ok(photos) = text.parse() {
            return Ok(Self::Photos(photos));
        }
        let share = match text.strip_suffix('%') {
            Some(percent) => percent.trim_end().parse::<f64>().map(|percent| percent / 100.0),
            None => text.parse(),
        };
        match share {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self::Share(share)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_size_that_was_asked_for_and_does_not_depend_on_the_order() {
        let names: Vec<String> = (0..40).map(|at| format!("{at:02}.jpg")).collect();
        let mut names: Vec<&str> = names.iter().map(|name| &name[..]).collect();
        let ten = CoverSample::Photos(10).draw(&names);
        assert_eq!(ten.len(), 10);
        assert_ne!(ten.iter().copied().collect::<Vec<_>>(), names[..10]);
        assert_eq!(CoverSample::Share(0.24).draw(&names), ten);
        assert_eq!(CoverSample::default().draw(&names).len(), 40);
        assert!(CoverSample::Photos(0).draw(&names).is_empty());
        names.reverse();
        assert_eq!(CoverSample::Photos(10).draw(&names), ten);
        // One more photo takes the place of one other at most.
        names.push("new.jpg");
        assert!(CoverSample::Photos(10).draw(&names).intersection(&ten).count() >= 9);
    }

    #[test]
    fn what_is_no_number_and_no_share_is_refused() {
        for text in ["", "-1", "120%", "1.5", "some", "NaN", "%"] {
            let error = text.parse::<CoverSample>().unwrap_err();
            assert!(error.ends_with(&format!("found {text}")), "{error}");
        }
    }
}
