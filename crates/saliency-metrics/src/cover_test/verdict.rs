//! From the model's answers to a verdict and a sentence.

use crate::units::ranking;

/// What a cover test found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Finding {
    /// If the parts that the map calls important are covered, the score falls more than if as much
    /// is covered at any of the other places, the middle among them. It falls with every fill.
    Confirmed,
    /// The score falls more than at the other places with the first fill, but with another fill it
    /// does not fall.
    FillsDisagree,
    /// The score falls as much if another place is covered. The map may be wrong, or the model may
    /// look at the whole picture.
    NotConfirmed,
}

impl Finding {
    /// Returns the name for tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::FillsDisagree => "fills-disagree",
            Self::NotConfirmed => "not-confirmed",
        }
    }
}

/// The model's answer about a copy.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CoveredAnswer {
    /// The class with the largest output.
    pub answer: usize,
    /// The output of the class that is explained.
    pub score: f64,
    /// The probability of the class that is explained, if the model has two outputs or more.
    pub probability: Option<f64>,
    /// The probability of the answer, if the model has two outputs or more.
    pub answer_probability: Option<f64>,
}

/// What the model says if a share of the units is covered.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SizeTested {
    /// The share of the units that is covered.
    pub size: f64,
    /// The units of the region.
    pub region: Vec<usize>,
    /// The units that are covered elsewhere, for each draw.
    pub regions_elsewhere: Vec<Vec<usize>>,
    /// The answer if the region is covered, for each fill in the order in which they were given.
    pub covered: Vec<CoveredAnswer>,
    /// The answer if as much is covered in the middle, with the first fill; `None` without a grid.
    pub middle: Option<CoveredAnswer>,
    /// The answers if as much is covered elsewhere, with the first fill.
    pub elsewhere: Vec<CoveredAnswer>,
}

/// The verdict of a [`CoverTest`](crate::CoverTest) on the map of one row.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Verdict {
    /// What was found.
    pub finding: Finding,
    /// The class that is explained.
    pub class: usize,
    /// The answer about the input as it is.
    pub original: CoveredAnswer,
    /// The names of the fills.
    pub fills: Vec<String>,
    /// The answers for each size, the smallest first.
    pub sizes: Vec<SizeTested>,
    /// The fall of the score if the region is covered with the first fill, averaged over the sizes.
    pub fall: f64,
    /// The same for each draw elsewhere.
    pub falls_elsewhere: Vec<f64>,
    /// The probability that a map which knows nothing of the model does as well.
    pub p: f64,
}

/// The outputs that a verdict is made of.
pub(super) struct Answers<'a> {
    /// `None` for a function of the outputs.
    pub class: Option<usize>,
    /// The meaning of the outputs, unless they turn out to be probabilities.
    pub outputs: Outputs,
    /// The regions of the row, the smallest first.
    pub regions: &'a [RegionTested],
    pub original: &'a [f64],
    pub fills: &'a [&'a str],
    /// For each fill, for each size.
    pub chosen: &'a [&'a [Vec<f64>]],
    /// For each size the middle, if there is one, and the draws.
    pub elsewhere: &'a [Vec<f64>],
}

/// A region of a row with its size, and the regions of the draws.
pub(super) struct RegionTested {
    pub size: f64,
    pub units: Vec<usize>,
    pub elsewhere: Vec<Vec<usize>>,
}

/// The largest `p` with which a map is confirmed.
const SURE: f64 = 0.05;

pub(super) fn decide(answers: &Answers<'_>) -> Verdict {
    let reading = Reading::new(answers.class, answers.original, answers.outputs);
    let of = |outputs: &Vec<f64>| reading.answer(outputs);
    let original = reading.answer(answers.original);
    let controls = answers.elsewhere.len() / answers.regions.len();
    let sizes: Vec<SizeTested> = answers
        .regions
        .iter()
        .zip(answers.elsewhere.chunks(controls))
        .enumerate()
        .map(|(at, (region, elsewhere))| {
            let (middle, draws) = elsewhere.split_at(controls - region.elsewhere.len());
            SizeTested {
                size: region.size,
                region: region.units.clone(),
                regions_elsewhere: region.elsewhere.clone(),
                covered: answers.chosen.iter().map(|by_size| of(&by_size[at])).collect(),
                middle: middle.first().map(of),
                elsewhere: draws.iter().map(of).collect(),
            }
        })
        .collect();

    // One number for each region: the fall of the score, averaged over the sizes.
    let fall = |of: &dyn Fn(&SizeTested) -> f64| {
        sizes.iter().map(|size| original.score - of(size)).sum::<f64>() / sizes.len() as f64
    };
    let by_fill: Vec<f64> =
        (0..answers.fills.len()).map(|fill| fall(&|size| size.covered[fill].score)).collect();
    let draws = sizes[0].elsewhere.len();
    let elsewhere: Vec<f64> =
        (0..draws).map(|draw| fall(&|size| size.elsewhere[draw].score)).collect();
    let middle = sizes[0].middle.map(|_| fall(&|size| size.middle.expect("all have one").score));
    let as_large = |fall: f64| elsewhere.iter().filter(|other| **other >= fall).count();
    let p = (1 + as_large(by_fill[0])) as f64 / (1 + draws) as f64;
    let beats = |fall: f64| {
        let p = (1 + as_large(fall)) as f64 / (1 + draws) as f64;
        fall > 0.0 && p <= SURE && middle.is_none_or(|middle| fall > middle)
    };
    let finding = match (beats(by_fill[0]), by_fill.iter().all(|fall| *fall > 0.0)) {
        (true, true) => Finding::Confirmed,
        (true, false) => Finding::FillsDisagree,
        (false, _) => Finding::NotConfirmed,
    };
    Verdict {
        finding,
        class: reading.class,
        original,
        fills: answers.fills.iter().map(ToString::to_string).collect(),
        sizes,
        fall: by_fill[0],
        falls_elsewhere: elsewhere,
        p,
    }
}

impl SizeTested {
    /// Returns the draw that is neither lucky nor unlucky: the one in the middle if all are ordered
    /// by their scores. Of two in the middle, the one with the lower score.
    pub fn median_draw(&self) -> usize {
        let scores: Vec<f64> = self.elsewhere.iter().map(|answer| answer.score).collect();
        ranking(&scores)[scores.len() / 2]
    }
}

impl Verdict {
    /// Returns the smallest size at which the model gives another answer with the first fill.
    pub fn changes_at(&self) -> Option<&SizeTested> {
        self.sizes.iter().find(|size| size.covered[0].answer != self.original.answer)
    }

    /// Returns the size that the words are about: the smallest at which the model gives another
    /// answer, or the largest if it never does.
    pub fn size_in_words(&self) -> &SizeTested {
        self.changes_at().unwrap_or(&self.sizes[self.sizes.len() - 1])
    }
}

/// The class that is explained, and what the model's outputs are.
#[derive(Clone, Copy)]
struct Reading {
    class: usize,
    outputs: Outputs,
}

/// The meaning of the outputs.
#[derive(Clone, Copy)]
pub(super) enum Outputs {
    /// One answer out of several: their softmax holds the probabilities.
    Logits,
    Probabilities,
    /// Each class is rated apart, as detectors do: they have no softmax.
    Ratings,
}

impl Reading {
    /// Reads off the outputs for the input as it is whether all outputs are probabilities.
    fn new(class: Option<usize>, original: &[f64], outputs: Outputs) -> Self {
        let sum: f64 = original.iter().sum();
        let positive = original.iter().all(|output| *output >= 0.0);
        let class = class.unwrap_or_else(|| ranking(original)[0]);
        let are_probabilities = positive && (sum - 1.0).abs() < 1e-3;
        Self { class, outputs: if are_probabilities { Outputs::Probabilities } else { outputs } }
    }

    fn answer(self, outputs: &[f64]) -> CoveredAnswer {
        let answer = ranking(outputs)[0];
        let largest = outputs[answer];
        let total: f64 = outputs.iter().map(|output| (output - largest).exp()).sum();
        let probability = |output: f64| {
            let found = match self.outputs {
                Outputs::Logits => (output - largest).exp() / total,
                Outputs::Probabilities => output,
                Outputs::Ratings => return None,
            };
            (outputs.len() > 1).then_some(found)
        };
        let score = outputs[self.class];
        CoveredAnswer {
            answer,
            score,
            probability: probability(score),
            answer_probability: probability(largest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_and_probabilities_are_told_apart() {
        let logits = Reading::new(Some(1), &[0.0, 4.0], Outputs::Logits);
        let found = logits.answer(&[0.0, 3f64.ln()]);
        assert_eq!((found.answer, found.score), (1, 3f64.ln()));
        assert!((found.probability.unwrap() - 0.75).abs() < 1e-12);
        let other = logits.answer(&[3f64.ln(), 0.0]);
        assert!((other.probability.unwrap() - 0.25).abs() < 1e-12);
        assert!((other.answer_probability.unwrap() - 0.75).abs() < 1e-12);
        // Decided by the input as it is: other logits may add up to one by chance.
        assert!(logits.answer(&[1.0, 0.0]).probability.unwrap() > 0.2);
        assert_eq!(
            Reading::new(Some(1), &[0.9, 0.1], Outputs::Logits).answer(&[0.6, 0.4]).probability,
            Some(0.4)
        );
        let detector = Reading::new(Some(1), &[0.9, 0.8], Outputs::Ratings);
        assert_eq!(detector.answer(&[0.6, 0.4]).probability, None);
        assert_eq!(Reading::new(None, &[2.0], Outputs::Logits).answer(&[2.0]).probability, None);
    }

    fn decided(chosen: &[f64], other: f64, middle: f64) -> Verdict {
        let chosen: Vec<Vec<Vec<f64>>> =
            chosen.iter().map(|score| vec![vec![1.0, *score]]).collect();
        let mut elsewhere = vec![vec![1.0, middle]];
        elsewhere.extend(vec![vec![1.0, other]; 20]);
        decide(&Answers {
            outputs: Outputs::Logits,
            class: Some(1),
            regions: &[RegionTested {
                size: 0.1,
                units: vec![0],
                elsewhere: (0..20).map(|unit| vec![unit]).collect(),
            }],
            original: &[1.0, 4.0],
            fills: &["blur", "grey"][..chosen.len()],
            chosen: &chosen.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            elsewhere: &elsewhere,
        })
    }

    #[test]
    fn a_verdict_compares_with_other_places_the_middle_and_other_fills() {
        let name = |class: usize| ["tea", "espresso"][class].to_owned();
        let confirmed = decided(&[0.0, 0.5], 3.9, 3.0);
        assert_eq!((confirmed.finding, confirmed.p), (Finding::Confirmed, 1.0 / 21.0));
        assert_eq!(
            confirmed.sentence(name),
            "Confirmed. If the brightest 10 % of the picture are covered, the model no longer says \
             espresso but tea (95 % -> 27 %); if as much is covered elsewhere, it is 95 % on \
             average, and the answer stays the same in 20 of 20 tries."
        );
        // If other classes lose more, the probability rises although the score falls.
        let rises = Verdict {
            original: CoveredAnswer { probability: Some(0.1), ..confirmed.original },
            ..confirmed.clone()
        };
        let sentence = rises.sentence(name);
        assert!(sentence.contains("but tea (score 4.00 -> 0.00)"), "{sentence}");
        assert!(sentence.contains("it is 3.90 on average"), "{sentence}");
        let fills = decided(&[0.0, 4.5], 3.9, 3.0);
        assert_eq!(fills.finding, Finding::FillsDisagree);
        assert!(fills.sentence(name).contains("covered with: blur was tried, and grey."));
        let elsewhere = decided(&[2.0], 1.5, 3.0);
        assert_eq!((elsewhere.finding, elsewhere.p), (Finding::NotConfirmed, 1.0));
        assert!(elsewhere.sentence(name).ends_with("as much in 20 of 20 tries."));
        let middle = decided(&[2.0], 3.0, 1.0);
        assert_eq!(middle.finding, Finding::NotConfirmed);
        assert!(middle.sentence(name).ends_with("covering the middle lowers the score as much."));
        // A region that raises the score is never confirmed.
        assert_eq!(decided(&[5.0], 6.0, 6.0).finding, Finding::NotConfirmed);
    }

    #[test]
    fn the_median_draw_has_the_score_in_the_middle() {
        let mut verdict = decided(&[0.0], 3.9, 3.0);
        let size = &mut verdict.sizes[0];
        for (draw, answer) in size.elsewhere.iter_mut().enumerate() {
            answer.score = [4.0, 1.0, 3.0, 2.0][draw % 4] + draw as f64 / 100.0;
        }
        // Ten scores are above it and nine below: 2.03, 2.07, ..., 2.19, of which the largest.
        assert_eq!((size.median_draw(), size.elsewhere[19].score), (19, 2.19));
        assert_eq!(size.regions_elsewhere[19], [19]);
        size.elsewhere.truncate(1);
        assert_eq!(size.median_draw(), 0);
    }
}
