//! Describes the findings in plain words.

use saliency_metrics::{Finding, Verdict};
use saliency_photo::{ClassNames, percent as plain_percent};

use crate::about_cover::{about_part, count_of, share_of};
use crate::folder::Others;
use crate::groups::Group;
use crate::intervals;
use crate::recipe::Effort;
use crate::row::{Concern, Inside, Measured, Row};
use crate::tested::{Tally, Tested};

/// The findings about the photos of a folder.
pub(crate) struct Report<'a> {
    /// The folder's name.
    pub title: &'a str,
    /// The model's description.
    pub model: &'a str,
    /// The method's title.
    pub method: &'a str,
    pub effort: Effort,
    /// The share of the attribution that boxes should hold. `None` means their share of the area.
    pub expected: Option<f64>,
    /// The rows, sorted by file name.
    pub rows: &'a [Row],
    /// The groups of photos whose maps agree in place. Their members are numbers of rows.
    pub groups: &'a [Group],
    pub classes: &'a ClassNames,
    /// The address of each photo, in the order of the rows. Empty if the page is too far away.
    pub links: &'a [String],
    /// The oddities of the boxes.
    pub remarks: &'a [String],
    /// The files and folders that were left out.
    pub others: &'a Others,
}

impl<'a> Report<'a> {
    /// Returns the findings, the most important first.
    pub fn summary(&self) -> Vec<String> {
        let mut lines = vec![self.headline()];
        lines.extend(self.about_groups());
        lines.extend(self.details());
        lines
    }

    /// Returns the findings behind the headline, except those about groups.
    pub fn details(&self) -> Vec<String> {
        let (explained, boxed) = (self.measured().count(), self.insides().count());
        let mut lines = Vec::new();
        if self.deciding_group().is_some() {
            lines.push(self.about_places());
        }
        lines.extend(self.about_cover());
        if boxed > 0 {
            lines.extend(self.about_boxes(boxed));
        }
        if explained > boxed && boxed > 0 {
            lines.push(format!("Nothing is marked in {}.", photos(explained - boxed)));
        }
        if explained > 0 {
            lines.push(format!(
                "In {}, half or more of what mattered to the answer lies at the border, the outer \
                 tenth on each side, and in no box.",
                count_of(self.count(Concern::Border), explained)
            ));
        }
        // Then the possible faults of the audit itself.
        let imprecise = self.count(Concern::NotConverged);
        if imprecise > 0 {
            lines.push(format!("The maps of {} are not precise.", photos(imprecise)));
        }
        lines.extend(self.about_earlier_rows());
        match self.rows.len() - explained {
            0 => {}
            1 => lines.push("1 file could not be explained.".to_owned()),
            failed => lines.push(format!("{failed} files could not be explained.")),
        }
        if let Some(found) = self.others.in_words() {
            let advice = self.others.advice();
            lines
                .push(format!("Left out because they are not named like photos: {found}{advice}."));
        }
        lines
    }

    /// Returns the most important finding.
    pub fn headline(&self) -> String {
        let Some(group) = self.deciding_group() else { return self.about_places() };
        let (count, explained) = (group.members.len(), self.measured().count());
        format!(
            "In {count} of {} the model goes by one place: {}.",
            photos(explained),
            group.place.in_words()
        )
    }

    /// Returns the first group whose place decides.
    fn deciding_group(&self) -> Option<&'a Group> {
        self.groups.iter().find(|group| group.decides(self))
    }

    /// Says whether the model looks at the boxes, and at the border.
    fn about_places(&self) -> String {
        // The photos that were explained, and those of them with a box.
        let (explained, boxed) = (self.measured().count(), self.insides().count());
        let [elsewhere, border] =
            [Concern::Elsewhere, Concern::Border].map(|concern| self.count(concern));
        let (of_all, of_boxed) = (photos(explained), photos(boxed));
        let (at_border, at_others) = (share_of(border, explained), share_of(elsewhere, boxed));
        if explained == 0 {
            "None of the files could be explained.".to_owned()
        } else if boxed == 0 && border == 0 {
            "In no photo does the model look mostly at the border.".to_owned()
        } else if boxed == 0 {
            format!("In {border} of {of_all}{at_border} the model looks mostly at the border.")
        } else if elsewhere > 0 {
            format!(
                "In {elsewhere} of {of_boxed} with a marked box, the model looks elsewhere{at_others}."
            )
        } else if let Some(share) = self.expected {
            let share = percent(share);
            format!("In all of {of_boxed} with a marked box, it holds {share} or more.")
        } else {
            format!(
                "In all of {of_boxed} with a marked box, the model looks there at least as much as \
                 elsewhere."
            )
        }
    }

    /// Returns the averages over the photos that have a box.
    fn about_boxes(&self, boxed: usize) -> [String; 2] {
        let shares: Vec<f64> = self.insides().map(|inside| inside.share).collect();
        let interval = intervals::of_mean(&shares);
        let between =
            interval.map_or(String::new(), |it| format!(" ({})", intervals::in_words(it)));
        let share = mean(shares.into_iter());
        let area = mean(self.insides().map(|inside| inside.area));
        let peaks = self.insides().filter(|inside| inside.peak).count();
        [
            format!(
                "On average the box holds {share}{between} of what mattered to the answer, and covers \
                 {area} of the picture that the model was shown. It looks elsewhere if the box holds less than {}.",
                self.least()
            ),
            format!("The strongest point lies in the box in {}.", count_of(peaks, boxed)),
        ]
    }

    /// Describes the first groups.
    fn about_groups(&self) -> Vec<String> {
        let line = |group: &Group| {
            let words = group.in_words(self);
            format!("{}. {}", words.title, words.sentences.join(" "))
        };
        let mut lines: Vec<String> = self.groups.iter().take(MOST_GROUPS).map(line).collect();
        if self.groups.len() > MOST_GROUPS {
            let more = self.groups.len() - MOST_GROUPS;
            lines.push(format!("Smaller groups of photos whose maps agree in one place: {more}."));
        }
        lines
    }

    /// Says what covering found.
    fn about_cover(&self) -> Vec<String> {
        let tested = self.tested().count();
        if tested == 0 {
            return Vec::new();
        }
        let with = |finding| self.tested().filter(|it| it.brightest.finding == finding).count();
        let mut first = format!(
            "Confirmed by covering: {}. In them, the score falls more if the brightest places are \
             covered than if as much is covered elsewhere.",
            count_of(with(Finding::Confirmed), tested)
        );
        let unsure = with(Finding::FillsDisagree);
        if unsure > 0 {
            first += &format!(" In {unsure}, it depends on what the places are covered with.");
        }
        let explained = self.measured().count();
        if tested < explained {
            first +=
                &format!(" Tested were {tested} of {}, drawn by their names.", photos(explained));
        }
        let mut lines = vec![first];
        let mut about = |what: &str, verdict: fn(&Tested) -> Option<&Verdict>| {
            let tally = Tally::of(self.tested().filter_map(verdict));
            if tally.photos > 0 {
                lines.push(format!("{}.", about_part(what, &tally)));
            }
        };
        about("the marked box", |it| it.marked.as_ref());
        about("the border", |it| it.border.as_ref());
        lines
    }

    /// Says that rows of an earlier version have no map in cells.
    fn about_earlier_rows(&self) -> Option<String> {
        let earlier = self.measured().filter(|it| it.grid.is_none() && it.half_area.is_some());
        let count = earlier.count();
        (count > 0).then(|| {
            format!(
                "{} explained by an earlier version, and neither tested nor grouped: remove the folder \
                 parts to explain them again.",
                if count == 1 { "1 photo was".to_owned() } else { format!("{count} photos were") }
            )
        })
    }

    /// Returns the group of a row.
    pub fn group_of(&self, row: usize) -> Option<&'a Group> {
        self.groups.iter().find(|group| group.members.contains(&row))
    }

    /// Returns the answers about covered copies, for each photo that was covered.
    pub fn tested(&self) -> impl Iterator<Item = &'a Tested> {
        self.measured().filter_map(Measured::covered)
    }

    /// Returns the measurements of the photos that could be explained.
    pub fn measured(&self) -> impl Iterator<Item = &'a Measured> {
        self.rows.iter().filter_map(|row| row.outcome.as_ref().ok())
    }

    /// Returns how much of the map is in the boxes, for each photo whose boxes were at least partly
    /// shown to the model.
    pub fn insides(&self) -> impl Iterator<Item = &'a Inside> {
        shown(self.measured())
    }

    /// Counts the photos that raise a concern.
    pub fn count(&self, concern: Concern) -> usize {
        self.measured().filter(|it| it.concerns(self.expected).contains(&concern)).count()
    }

    /// Returns the share that boxes should hold, in words.
    fn least(&self) -> String {
        match self.expected {
            Some(share) => percent(share),
            None => "its part of the picture".to_owned(),
        }
    }

    /// Explains what a concern means, and what can be done.
    pub fn meaning(&self, concern: Concern) -> String {
        match concern {
            Concern::Elsewhere => format!(
                "Of what mattered to the answer, the marked box holds less than {}. It may go by \
                 something else in the picture: look where the bright places are, and whether that can \
                 be right.",
                self.least()
            ),
            Concern::Border => "Half or more of what mattered to the answer lies in the outer tenth on \
                each side: often a background, a frame or a watermark. Try the same thing before another \
                background."
                .to_owned(),
            Concern::NotConfirmed => "Covering the brightest places lowers the score no more than covering \
                as much elsewhere. The map may be wrong, or the model looks at the whole picture. Do not \
                rely on it."
                .to_owned(),
            Concern::FillsDisagree => "Covering the brightest places lowers the score more than covering \
                other places, but not with every cover that was tried. Rely on the map less."
                .to_owned(),
            Concern::NotShown => "The model is shown only a part of the photo, and no marked box reaches \
                into it. Crop the photo, so that what matters is in that part."
                .to_owned(),
            Concern::Blank => "The map is zero everywhere: this method found nothing to show. Try \
                another one."
                .to_owned(),
            Concern::Plain => "All that the model was shown has one colour, so that there is nothing to \
                look at. See whether the photo is what it should be."
                .to_owned(),
            Concern::LikeBaseline => "The model is as sure of this answer without any picture: what \
                speaks for it and what speaks against it cancel, and the map says little."
                .to_owned(),
            Concern::NotConverged => "The map was still changing when the computation was ended. Run \
                the audit again with a larger --limit before you trust details."
                .to_owned(),
        }
    }

    /// Describes the method that was used, and its precision.
    pub fn made(&self) -> String {
        let effort = match self.effort {
            Effort::Steps(1) => String::new(),
            Effort::Steps(steps) => format!(", {steps} gradients for each photo"),
            Effort::Tolerance { tolerance, limit } => {
                let tolerance = percent(tolerance);
                format!(
                    ", to an estimated error of {tolerance} or {limit} gradients for each photo"
                )
            }
            Effort::Shares { tolerance, limit } => {
                let points = 100.0 * tolerance;
                format!(", to shares within {points} points or {limit} gradients for each photo")
            }
        };
        format!("{}; {}{effort}.", self.model, self.method)
    }
}

/// Returns the text of a concern about one photo.
pub(crate) fn title(concern: Concern) -> &'static str {
    match concern {
        Concern::Elsewhere => "looks elsewhere",
        Concern::Border => "looks at the border",
        Concern::NotConfirmed => "map not confirmed",
        Concern::FillsDisagree => "map not certain",
        Concern::NotShown => "box not shown",
        Concern::Blank => "empty map",
        Concern::Plain => "blank picture",
        Concern::LikeBaseline => "map says little",
        Concern::NotConverged => "map not precise",
    }
}

/// Returns the text of a concern about several photos, to be written after their number.
pub(crate) fn label(concern: Concern) -> &'static str {
    match concern {
        Concern::Elsewhere => "where it looks elsewhere than in the box",
        Concern::Border => "where it looks at the border",
        Concern::NotConfirmed => "whose map is not confirmed",
        Concern::FillsDisagree => "whose map is not certain",
        Concern::NotShown => "whose box was not shown to it",
        Concern::Blank => "with an empty map",
        Concern::Plain => "that are a blank picture",
        Concern::LikeBaseline => "whose map says little",
        Concern::NotConverged => "whose map is not precise",
    }
}

/// Returns how much of the map is in the boxes, for each photo whose boxes were at least partly
/// shown to the model.
pub(crate) fn shown<'a>(
    photos: impl Iterator<Item = &'a Measured>,
) -> impl Iterator<Item = &'a Inside> {
    photos.filter_map(|it| it.inside.as_ref()).filter(|inside| inside.area > 0.0)
}

/// The groups that the summary describes.
const MOST_GROUPS: usize = 3;

fn photos(count: usize) -> String {
    if count == 1 { "1 photo".to_owned() } else { format!("{count} photos") }
}

/// Averages shares, in percent. Returns an empty text if there are none.
pub(crate) fn mean(shares: impl Iterator<Item = f64>) -> String {
    let (sum, count) = shares.fold((0.0, 0), |(sum, count), share| (sum + share, count + 1));
    if count == 0 { String::new() } else { percent(sum / f64::from(count)) }
}

/// Writes a share in percent: as a whole number, or with one decimal if it is below 10 %. The
/// number and the sign stay on one line.
pub(crate) fn percent(share: f64) -> String {
    plain_percent(share).replace(" %", "\u{a0}%")
}
