//! What was found out, in plain words.

use super::explain::{Effort, Plan};
use super::row::{Concern, Inside, Measured, Row};

/// What was found out about the photos of a folder.
pub struct Report<'a> {
    /// The folder's name.
    pub title: &'a str,
    /// Which network was audited.
    pub model: &'a str,
    pub plan: Plan,
    /// The share of the attribution that boxes should hold, if not as much as their area.
    pub expected: Option<f64>,
    /// By file name.
    pub rows: &'a [Row],
    /// Files and folders that were left out.
    pub others: usize,
}

impl<'a> Report<'a> {
    /// What was found out, the most important first.
    pub fn summary(&self) -> Vec<String> {
        let (explained, boxed) = (self.measured().count(), self.insides().count());
        let [elsewhere, border] = [Concern::Elsewhere, Concern::Border].map(|it| self.count(it));
        let failed = self.rows.len() - explained;
        let of_boxed = photos(boxed);
        let mut lines = vec![match (explained, boxed) {
            (0, _) => "None of the files could be explained.".to_owned(),
            (_, 0) if border == 0 => "In no photo does the model look mostly at the border.".into(),
            (_, 0) => {
                format!(
                    "In {border} of {} the model looks mostly at the border.",
                    photos(explained)
                )
            }
            _ if elsewhere == 0 => match self.expected {
                Some(share) => {
                    let share = percent(share);
                    format!("In all of {of_boxed} with a marked box, it holds {share} or more.")
                }
                None => format!(
                    "In all of {of_boxed} with a marked box, the model looks there at least as much as \
                     elsewhere."
                ),
            },
            _ => format!(
                "In {elsewhere} of {of_boxed} with a marked box, the model looks elsewhere."
            ),
        }];
        if boxed > 0 {
            let share = mean(self.insides().map(|inside| inside.share));
            let area = mean(self.insides().map(|inside| inside.area));
            let peaks = self.insides().filter(|inside| inside.peak).count();
            lines.push(format!(
                "On average the box holds {share} of what mattered to the answer, and covers {area} of \
                 what it was shown. It looks elsewhere where the box holds less than {}.",
                self.least()
            ));
            lines.push(format!("The strongest point lies in the box in {peaks} of {of_boxed}."));
        }
        if explained > boxed && boxed > 0 {
            lines.push(format!("Nothing is marked in {}.", photos(explained - boxed)));
        }
        if explained > 0 {
            lines.push(format!(
                "In {border} of {}, half or more of what mattered to the answer lies at the border, the \
                 outer tenth on each side, and in no box.",
                photos(explained)
            ));
        }
        match self.count(Concern::NotConverged) {
            0 => {}
            count => lines.push(format!("The maps of {} are not precise.", photos(count))),
        }
        match failed {
            0 => {}
            1 => lines.push("1 file could not be explained.".to_owned()),
            failed => lines.push(format!("{failed} files could not be explained.")),
        }
        match self.others {
            0 => {}
            others => lines.push(format!(
                "{others} other files and folders in the folder were left out, for they are not named \
                 like photos."
            )),
        }
        lines
    }

    pub fn measured(&self) -> impl Iterator<Item = &'a Measured> {
        self.rows.iter().filter_map(|row| row.outcome.as_ref().ok())
    }

    /// Of the photos of which the model was shown something that is marked.
    pub fn insides(&self) -> impl Iterator<Item = &'a Inside> {
        shown(self.measured())
    }

    /// How many photos give cause for a concern.
    pub fn count(&self, concern: Concern) -> usize {
        self.measured().filter(|it| it.concerns(self.expected).contains(&concern)).count()
    }

    /// What boxes should hold.
    fn least(&self) -> String {
        match self.expected {
            Some(share) => percent(share),
            None => "its part of the picture".to_owned(),
        }
    }

    /// What a concern means, and what can be done.
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
            Concern::NotShown => "The model is shown the centred square of a photo, and no marked box \
                reaches into it. Crop the photo, so that what matters is in the middle."
                .to_owned(),
            Concern::Blank => "The map is zero everywhere: this method found nothing to show. Try \
                another one."
                .to_owned(),
            Concern::LikeBaseline => "The model is as sure of this answer without any picture; what \
                speaks for it and against it cancels, and the map says little."
                .to_owned(),
            Concern::NotConverged => "The map was still changing when the computation was ended. Run \
                the audit again with a larger --limit before you trust details."
                .to_owned(),
        }
    }

    /// Which method, and how precisely.
    pub fn made(&self) -> String {
        let method = self.plan.method.title();
        let effort = match self.plan.effort {
            Effort::Steps(1) => String::new(),
            Effort::Steps(steps) => format!(", {steps} gradients for each photo"),
            Effort::Tolerance { tolerance, limit } => {
                let tolerance = percent(tolerance);
                format!(
                    ", to an estimated error of {tolerance} or {limit} gradients for each photo"
                )
            }
        };
        format!("{}; {method}{effort}.", self.model)
    }
}

/// What a concern says of one photo.
pub fn title(concern: Concern) -> &'static str {
    match concern {
        Concern::Elsewhere => "looks elsewhere",
        Concern::Border => "looks at the border",
        Concern::NotShown => "box not shown",
        Concern::Blank => "empty map",
        Concern::LikeBaseline => "map says little",
        Concern::NotConverged => "map not precise",
    }
}

/// What it says of a number of photos.
pub fn label(concern: Concern) -> &'static str {
    match concern {
        Concern::Elsewhere => "where it looks elsewhere than in the box",
        Concern::Border => "where it looks at the border",
        Concern::NotShown => "whose box was not shown to it",
        Concern::Blank => "with an empty map",
        Concern::LikeBaseline => "whose map says little",
        Concern::NotConverged => "whose map is not precise",
    }
}

pub fn shown<'a>(photos: impl Iterator<Item = &'a Measured>) -> impl Iterator<Item = &'a Inside> {
    photos.filter_map(|it| it.inside.as_ref()).filter(|inside| inside.area > 0.0)
}

pub fn photos(count: usize) -> String {
    if count == 1 { "1 photo".to_owned() } else { format!("{count} photos") }
}

/// The mean of shares, in percent; empty where there are none.
pub fn mean(shares: impl Iterator<Item = f64>) -> String {
    let (sum, count) = shares.fold((0.0, 0), |(sum, count), share| (sum + share, count + 1));
    if count == 0 { String::new() } else { percent(sum / f64::from(count)) }
}

/// A share in percent: whole, or with one digit below ten. The space keeps number and sign on one line.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0\u{a0}%".to_owned(),
        _ if percent < 0.1 => "less than 0.1\u{a0}%".to_owned(),
        _ if percent < 9.95 => format!("{percent:.1}\u{a0}%"),
        _ => format!("{percent:.0}\u{a0}%"),
    }
}
