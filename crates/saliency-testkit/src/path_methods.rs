//! All path methods, put to the test by questions: one line for each.

use burn::tensor::{DType, Tensor};
use saliency_core::kit::{Batch, Contribution, PathPoints, PathShape, Question, Scored};
use saliency_core::methods::{
    AdversarialGradients, AlongPath, Counterfactual, Discretised, DiscretisedIg, IgSquared, Laid,
    LeftIg, Measure, MeasuredIg, Path, SequentialIg,
};
use saliency_core::{
    Attribution, BlurIg, Explainer, GuidedIg, Idgi, IntegratedGradients, Model, Result, Rule,
    Schedule, pure_function,
};

use crate::questions::{Errors, Questions};
use crate::{relative_l1, values};

/// A path method that is asked questions.
#[derive(Clone, Copy, Debug)]
pub struct PathMethod {
    /// Its name.
    pub name: &'static str,
    explain: fn(&Asked) -> Attribution<Tensor<2>>,
}

/// The number of points on a path.
#[derive(Clone, Copy, Debug)]
pub enum Points {
    /// A fixed number, placed by a rule.
    Fixed(Rule, usize),
    /// As many as a tolerance needs, up to a limit.
    Tolerance(f64, usize),
}

/// A question to a path method: the model and the input, in some precision, and the number of points.
#[derive(Debug)]
pub struct Asked<'a> {
    questions: &'a Questions,
    input: Tensor<2>,
    points: Points,
}

/// The number of points of a reference map.
const REFERENCE: usize = 4000;

impl PathMethod {
    /// All path methods of tables whose baseline is zero. Add a line for another one.
    pub const ALL: [Self; 15] = [
        Self { name: "Integrated Gradients", explain: |it| it.along(IntegratedGradients::new()) },
        Self { name: "measure, early", explain: |it| it.measured(Measure::early(1.0)) },
        Self { name: "measure, early, power 4", explain: |it| it.measured(Measure::early(4.0)) },
        Self { name: "measure, late", explain: |it| it.measured(Measure::late(1.0)) },
        Self { name: "measure, middle", explain: |it| it.measured(Measure::between(0.25, 0.75)) },
        Self {
            name: "measure, table with a hole",
            explain: |it| it.measured(Measure::table([3.0, 1.0, 0.0, 2.0])),
        },
        Self { name: "Left-IG", explain: |it| it.along(LeftIg::new()) },
        Self { name: "IDGI", explain: |it| it.along(Idgi::new()) },
        Self { name: "Blur IG", explain: |it| it.blurred() },
        Self { name: "own path, with a bend", explain: |it| it.along(AlongPath::of(Bent)) },
        Self { name: "Sequential IG", explain: |it| it.sequential() },
        Self { name: "Discretised IG", explain: |it| it.discretised() },
        Self { name: "IG²", explain: |it| it.squared() },
        Self { name: "Guided IG", explain: |it| it.guided() },
        Self { name: "AGI", explain: |it| it.adversarial() },
    ];

    /// Explains all rows of the questions.
    pub fn explain(&self, questions: &Questions, points: Points) -> Attribution<Tensor<2>> {
        (self.explain)(&Asked { questions, input: questions.input.clone(), points })
    }

    /// Returns whether the questions are fit for the method. Sequential IG has a path for each value.
    /// IG² leaves the place where square roots and logarithms are defined.
    pub fn takes(&self, questions: &Questions) -> bool {
        match self.name {
            "Sequential IG" => questions.input.dims()[1] <= 13,
            "IG²" => !questions.is_steep(),
            // One feature alone cannot be blurred.
            "Blur IG" => questions.input.dims()[1] > 1,
            // There is another class to go to. A walk that starts where a gradient is infinite is
            // refused.
            "AGI" => questions.outputs() > 1 && !questions.is_steep(),
            "Guided IG" => !questions.is_steep(),
            _ => true,
        }
    }

    /// Returns the right values: those of many points, in double precision.
    pub fn right(&self, questions: &Questions) -> Vec<f64> {
        // A gradient that grows without bound toward the start needs points that come near to it.
        let points = if self.name == "IG²" {
            // In single precision, because the right values belong to the path that was found.
            Points::Tolerance(1e-4, 5000)
        } else if matches!(self.name, "Guided IG" | "AGI") {
            // Between the corners of the path that was found.
            Points::Tolerance(5e-4, 3000)
        } else if questions.is_steep() {
            Points::Tolerance(1e-6, 20_000)
        } else {
            Points::Fixed(Rule::Midpoint, REFERENCE)
        };
        let input = questions.input.clone().cast(DType::F64);
        (self.explain)(&Asked { questions, input, points }).values.into_data().iter().collect()
    }

    /// Explains all rows, and compares the maps with the right values. Rows whose right values are
    /// zero in single precision are left out: nothing is relative to them. Blur IG has such rows, if a
    /// single feature leaves nothing to blur, or if the blur does not reach the place where a gate
    /// opens.
    pub fn errors(&self, questions: &Questions, points: Points, right: &[f64]) -> Errors {
        let map = self.explain(questions, points);
        let (found, width) = (values(&map.values), questions.input.dims()[1]);
        let right: Vec<&[f64]> = right.chunks(width).collect();
        let has_size = |row: usize| right[row].iter().map(|value| value.abs()).sum::<f64>() > 1e-8;
        let rows: Vec<usize> = (0..right.len()).filter(|&row| has_size(row)).collect();
        let error = |row: usize| relative_l1(&found[row * width..][..width], right[row]);
        let estimates = map.error_estimate.expect("an estimate");
        Errors {
            right: rows.iter().map(|&row| error(row)).collect(),
            estimated: rows.iter().map(|&row| estimates[row]).collect(),
            gradients: rows.iter().map(|&row| map.evaluations[row]).collect(),
            converged: map.converged.map(|met| rows.iter().map(|&row| met[row]).collect()),
        }
    }
}

impl Asked<'_> {
    /// Follows a path.
    pub fn along<P: Path, C: Contribution>(
        &self,
        method: AlongPath<P, C>,
    ) -> Attribution<Tensor<2>> {
        let target = self.questions.target.clone();
        let explainer = self.with_points(method);
        let map = explainer.attribute_to(&self.questions.model(), self.input.clone(), target);
        map.expect("a map")
    }

    fn with_points<P, C>(&self, method: AlongPath<P, C>) -> AlongPath<P, C> {
        match self.points {
            Points::Fixed(rule, count) => method.with_rule(rule).with_steps(count),
            Points::Tolerance(tolerance, limit) => {
                method.with_tolerance(tolerance).with_max_gradients(limit)
            }
        }
    }

    /// Blurs the features of a row as if they were a series.
    fn blurred(&self) -> Attribution<Tensor<2>> {
        let shape = self.input.dims();
        let model = self.questions.model();
        let series = pure_function(move |x: Tensor<3>| model.forward(x.flatten(1, 2)));
        let input = self.input.clone().unsqueeze_dim(1);
        let explainer = self.with_points(BlurIg::new());
        let map = explainer.attribute_to(&series, input, self.questions.target.clone());
        let map = map.and_then(|map| map.try_map(|values| Ok(values.reshape(shape))));
        map.expect("a map")
    }

    fn measured(&self, measure: Measure) -> Attribution<Tensor<2>> {
        self.along(MeasuredIg::new().with_measure(measure))
    }

    fn sequential(&self) -> Attribution<Tensor<2>> {
        let method = SequentialIg::new();
        let explainer = match self.points {
            Points::Fixed(rule, count) => method.with_rule(rule).with_steps(count),
            Points::Tolerance(tolerance, limit) => {
                method.with_tolerance(tolerance).with_max_gradients(limit)
            }
        };
        let target = self.questions.target.clone();
        let map = explainer.attribute_to(&self.questions.model(), self.input.clone(), target);
        map.expect("a map")
    }

    /// Takes the output for the representation. A fixed number of points means one gradient at each
    /// corner. In single precision also for the right values, because they belong to the path that was
    /// found.
    fn squared(&self) -> Attribution<Tensor<2>> {
        let input = self.input.clone().cast(DType::F32);
        let features = pure_function(self.questions.body());
        let other = input.clone().narrow(0, 0, 1) * -0.5;
        let path = Counterfactual::new(features, other).expect("one row").with_descent_steps(12);
        let squared = IgSquared::of(path);
        let explainer = match self.points {
            Points::Fixed(..) => squared,
            Points::Tolerance(tolerance, limit) => {
                squared.with_tolerance(tolerance).with_max_gradients(limit)
            }
        };
        let target = self.questions.target.clone();
        explainer.attribute_to(&self.questions.model(), input, target).expect("a map")
    }

    /// In double precision also for the map that is judged: rounding decides where the path goes. A
    /// fixed number of points means the gradients on the way alone.
    fn guided(&self) -> Attribution<Tensor<2>> {
        let guided = GuidedIg::new().with_max_distance(0.1).with_moves(25);
        let explainer = match self.points {
            Points::Fixed(..) => guided,
            Points::Tolerance(tolerance, limit) => {
                guided.with_tolerance(tolerance).with_max_gradients(limit)
            }
        };
        let (model, input) = (self.questions.model(), self.input.clone().cast(DType::F64));
        explainer.attribute_to(&model, input, self.questions.target.clone()).expect("a map")
    }

    /// Goes to the other classes in large steps, so that the paths are long. A fixed number of points
    /// means the gradients on the way alone.
    fn adversarial(&self) -> Attribution<Tensor<2>> {
        let others = AdversarialGradients::new().with_classes(2).with_step(0.05);
        let explainer = match self.points {
            Points::Fixed(..) => others.with_tolerance(1.0),
            Points::Tolerance(tolerance, limit) => {
                others.with_tolerance(tolerance).with_max_gradients(limit)
            }
        };
        let (model, input) = (self.questions.model(), self.input.clone().cast(DType::F64));
        explainer.attribute_to(&model, input, self.questions.target.clone()).expect("a map")
    }

    /// Takes each value for a token of width 1, among the values of all rows.
    fn discretised(&self) -> Attribution<Tensor<2>> {
        let [rows, width] = self.input.dims();
        let vocabulary = self.input.clone().reshape([rows * width, 1]);
        let vocabulary = Discretised::new(vocabulary).expect("words");
        let words = vocabulary.with_words(6).with_neighbours(12);
        let method = DiscretisedIg::of(words);
        let explainer = match self.points {
            Points::Fixed(rule, count) => method.with_rule(rule).with_steps(count),
            Points::Tolerance(tolerance, limit) => {
                method.with_tolerance(tolerance).with_max_gradients(limit)
            }
        };
        let flat = self.questions.body();
        let model = pure_function(move |x: Tensor<3>| flat(x.squeeze_dim(2)));
        let (input, target) = (self.input.clone(), self.questions.target.clone());
        let map = explainer.attribute_to(&model, input.unsqueeze_dim(2), target).expect("a map");
        map.try_map(|values: Tensor<3>| Ok(values.squeeze_dim(2))).expect("nothing that fails")
    }
}

/// A path that moves the values quickly at first or slowly at first, by turns:
/// `γ_i(α) = x_i α^p`, with p = 1 and 2.
#[derive(Debug)]
struct Bent;

struct BentShape<'a>(&'a Batch);

impl Path for Bent {
    fn lay<'a>(&self, question: &'a Question, _: &Scored, _: &Schedule) -> Result<Laid<'a>> {
        Ok(Laid::new(BentShape(&question.input)))
    }
}

impl PathShape for BentShape<'_> {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let input = self.0.select(rows);
        let turn = |part: Tensor<2>, even: &[f64], odd: &[f64]| {
            let (width, options) = (part.dims()[1], (&part.device(), part.dtype()));
            let row = |(even, odd): (&f64, &f64)| -> Vec<f64> {
                (0..width).map(|at| if at % 2 == 0 { *even } else { *odd }).collect()
            };
            let factors: Vec<f64> = even.iter().zip(odd).flat_map(row).collect();
            let factors = Tensor::<1>::from_data(&factors[..], options).reshape(part.dims());
            part * factors
        };
        let squares: Vec<f64> = positions.iter().map(|at| at * at).collect();
        let slopes: Vec<f64> = positions.iter().map(|at| 2.0 * at).collect();
        let ones = vec![1.0; positions.len()];
        Ok(PathPoints {
            points: input.map(|part| turn(part, positions, &squares)),
            tangents: input.map(|part| turn(part, &ones, &slopes)),
        })
    }
}
