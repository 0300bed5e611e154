//! Describes groups of photos whose maps agree in place.

use crate::about_cover::about_part;
use crate::groups::{AREA, Group};
use crate::row::Measured;
use crate::summary::{Report, percent};
use crate::tested::Tally;

/// A group in words.
pub(crate) struct GroupWords {
    /// "12 of your 36 photos: lower left corner".
    pub title: String,
    /// What is known of it, a sentence each.
    pub sentences: Vec<String>,
}

impl Group {
    /// Returns the measurements of its photos.
    fn measured<'a>(&self, report: &Report<'a>) -> impl Iterator<Item = &'a Measured> {
        let rows = report.rows;
        self.members.iter().filter_map(move |&row| rows[row].outcome.as_ref().ok())
    }

    /// Counts the answers if the place is covered. `None` if it was covered in no photo.
    pub fn tally(&self, report: &Report) -> Option<Tally> {
        let of_place = self.measured(report).filter_map(|it| it.covered()?.place.as_ref());
        let of_place = of_place.filter(|it| it.place == self.place.start());
        let tally = Tally::of(of_place.map(|it| &it.verdict));
        (tally.photos > 0).then_some(tally)
    }

    /// Returns whether the place decides: in most photos of the group that were covered.
    pub fn decides(&self, report: &Report) -> bool {
        self.tally(report).is_some_and(|tally| tally.decides())
    }

    /// Describes the group.
    pub fn in_words(&self, report: &Report) -> GroupWords {
        let (count, all) = (self.members.len(), report.measured().count());
        let place = self.place.in_words();
        let mut sentences = vec![format!(
            "Their maps agree in one place, {} of the picture: it holds {} of these maps, and {} of \
             the others.",
            percent(AREA),
            percent(self.share),
            percent(self.share_of_others)
        )];
        if count == all {
            sentences[0] = format!(
                "Their maps agree in one place, {} of the picture: it holds {} of them.",
                percent(AREA),
                percent(self.share)
            );
        }
        sentences.extend(self.about_answers(report));
        if let Some(tally) = self.tally(report) {
            let decides = if tally.decides() { ": it decides" } else { "" };
            sentences.push(format!("{}{decides}.", about_part("this place", &tally)));
        }
        GroupWords { title: format!("{count} of your {all} photos: {place}"), sentences }
    }

    /// Says which answer most of the photos have, if it is more frequent among them than among all.
    fn about_answers(&self, report: &Report) -> Option<String> {
        let count_in = |class: usize| self.measured(report).filter(|it| it.class == class).count();
        let first =
            self.measured(report).max_by_key(|it| (count_in(it.class), usize::MAX - it.class))?;
        let (most, count) = (count_in(first.class), self.members.len());
        let of_all = report.measured().filter(|it| it.class == first.class).count();
        let is_typical = 2 * most > count && most * report.measured().count() > of_all * count;
        let name = &first.class_name;
        is_typical.then(|| {
            if most == count {
                format!("The model calls all of them “{name}”.")
            } else {
                format!("The model calls {most} of them “{name}”.")
            }
        })
    }
}
