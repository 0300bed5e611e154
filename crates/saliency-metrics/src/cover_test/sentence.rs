//! A verdict in words.

use super::verdict::{CoveredAnswer, Finding, SizeTested, Verdict};

impl Verdict {
    /// Says the verdict in words. `name` gives the name of a class.
    ///
    /// The figures are probabilities, or scores if the probability does not fall: other classes may
    /// lose more than the one that is explained.
    pub fn sentence(&self, name: impl Fn(usize) -> String) -> String {
        let size = self.size_in_words();
        let figure = Figure::of(&self.original, &size.covered[0]);
        let percent = 100.0 * size.size;
        let effect = self.effect(&size.covered[0], figure, name);
        let what = format!("If the brightest {percent:.0} % of the picture are covered, {effect}");
        let elsewhere = self.elsewhere(size, figure);
        match self.finding {
            Finding::Confirmed => format!("Confirmed. {what}; {elsewhere}."),
            Finding::FillsDisagree => {
                let other = self.fills[1..].join(", ");
                format!(
                    "Not sure. {what}; {elsewhere}. But it depends on what the parts are covered \
                     with: {} was tried, and {other}.",
                    self.fills[0]
                )
            }
            Finding::NotConfirmed => format!("Not confirmed. {what}, but {}.", self.objection()),
        }
    }

    /// Says what the model answers if the region is covered.
    fn effect(
        &self,
        covered: &CoveredAnswer,
        figure: Figure,
        name: impl Fn(usize) -> String,
    ) -> String {
        let change = figure.change(&self.original, covered);
        let (class, answer) = (name(self.class), name(covered.answer));
        if covered.answer == self.original.answer {
            format!("the model still says {answer} ({class}: {change})")
        } else if self.class == self.original.answer {
            format!("the model no longer says {class} but {answer} ({change})")
        } else {
            format!("the model says {answer} ({class}: {change})")
        }
    }

    /// Says what the model answers if as much is covered elsewhere.
    fn elsewhere(&self, size: &SizeTested, figure: Figure) -> String {
        let draws = size.elsewhere.len();
        let same = size.elsewhere.iter().filter(|it| it.answer == self.original.answer).count();
        let mean = size.elsewhere.iter().map(|it| figure.value(it)).sum::<f64>() / draws as f64;
        let mean = figure.text(mean);
        format!(
            "if as much is covered elsewhere, it is {mean} on average, and the answer stays the \
             same in {same} of {draws} tries"
        )
    }

    /// Says why a map is not confirmed.
    fn objection(&self) -> String {
        let draws = self.falls_elsewhere.len();
        let as_large = self.falls_elsewhere.iter().filter(|it| **it >= self.fall).count();
        if as_large > 0 {
            format!("covering other places lowers the score as much in {as_large} of {draws} tries")
        } else {
            "covering the middle lowers the score as much".to_owned()
        }
    }
}

/// The figure of a sentence.
#[derive(Clone, Copy)]
enum Figure {
    Probability,
    Score,
}

impl Figure {
    /// Chooses the probability if there is one, and if it falls.
    fn of(original: &CoveredAnswer, covered: &CoveredAnswer) -> Self {
        match (original.probability, covered.probability) {
            (Some(from), Some(to)) if to < from => Self::Probability,
            _ => Self::Score,
        }
    }

    fn value(self, answer: &CoveredAnswer) -> f64 {
        match self {
            Self::Probability => answer.probability.unwrap_or(f64::NAN),
            Self::Score => answer.score,
        }
    }

    fn text(self, value: f64) -> String {
        match self {
            Self::Probability => format!("{:.0} %", 100.0 * value),
            Self::Score => format!("{value:.2}"),
        }
    }

    fn change(self, from: &CoveredAnswer, to: &CoveredAnswer) -> String {
        let unit = match self {
            Self::Probability => "",
            Self::Score => "score ",
        };
        let [from, to] = [from, to].map(|answer| self.text(self.value(answer)));
        format!("{unit}{from} -> {to}")
    }
}
