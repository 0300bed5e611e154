//! Numbers that are known on the host while the graph runs: shapes, and arithmetic with them.

/// The kind of known numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Integer,
    Boolean,
}

/// Numbers of the host. Shapes are far below 2^53, so that a double holds them exactly; the ends of
/// slices that mean "to the end" may round.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) dims: Vec<usize>,
    pub(crate) numbers: Vec<f64>,
    pub(crate) kind: Kind,
    /// The least and the largest number of a quantised type.
    pub(crate) range: Option<(f64, f64)>,
}

impl Known {
    /// Makes a list of integers.
    pub(crate) fn list(numbers: impl IntoIterator<Item = usize>) -> Self {
        let numbers: Vec<f64> = numbers.into_iter().map(|it| it as f64).collect();
        Self { dims: vec![numbers.len()], numbers, kind: Kind::Integer, range: None }
    }

    /// Makes a single number.
    pub(crate) fn scalar(number: f64, kind: Kind) -> Self {
        Self { dims: Vec::new(), numbers: vec![number], kind, range: None }
    }

    /// Returns the only number, if there is one.
    pub(crate) fn only(&self) -> Option<f64> {
        match self.numbers.as_slice() {
            [number] => Some(*number),
            _ => None,
        }
    }

    /// Returns the numbers as integers.
    pub(crate) fn integers(&self) -> Vec<i64> {
        self.numbers.iter().map(|&it| it as i64).collect()
    }

    /// Changes each number.
    pub(crate) fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        let numbers = self.numbers.iter().map(|&it| change(it)).collect();
        Self { dims: self.dims.clone(), numbers, kind: self.kind, range: None }
    }

    /// Combines the numbers of two, with ONNX's broadcasting.
    pub(crate) fn zip(
        &self,
        other: &Self,
        combine: impl Fn(f64, f64) -> f64,
    ) -> Result<Self, String> {
        let dims = broadcast(&self.dims, &other.dims)?;
        let count: usize = dims.iter().product();
        let (left, right) = (Reader::new(self, &dims), Reader::new(other, &dims));
        let numbers = (0..count).map(|at| combine(left.at(at), right.at(at))).collect();
        let kind = if self.kind == Kind::Float { Kind::Float } else { other.kind };
        Ok(Self { dims, numbers, kind, range: None })
    }

    /// Repeats the numbers to a shape, with ONNX's broadcasting.
    pub(crate) fn expand(&self, dims: &[usize]) -> Result<Self, String> {
        let dims = broadcast(&self.dims, dims)?;
        let reader = Reader::new(self, &dims);
        let numbers = (0..dims.iter().product()).map(|at| reader.at(at)).collect();
        Ok(Self { dims, numbers, kind: self.kind, range: None })
    }

    /// Gives the same numbers another shape.
    pub(crate) fn reshape(&self, dims: Vec<usize>) -> Result<Self, String> {
        if dims.iter().product::<usize>() != self.numbers.len() {
            return Err(format!("{:?} cannot become {dims:?}", self.dims));
        }
        Ok(Self { dims, numbers: self.numbers.clone(), kind: self.kind, range: self.range })
    }
}

/// Returns the shape to which two shapes are broadcast.
pub(crate) fn broadcast(left: &[usize], right: &[usize]) -> Result<Vec<usize>, String> {
    let rank = left.len().max(right.len());
    let size =
        |dims: &[usize], at: usize| (at + dims.len()).checked_sub(rank).map_or(1, |at| dims[at]);
    (0..rank)
        .map(|at| match (size(left, at), size(right, at)) {
            (one, other) if one == other => Ok(one),
            (1, size) | (size, 1) => Ok(size),
            _ => Err(format!("the shapes {left:?} and {right:?} do not fit together")),
        })
        .collect()
}

/// Reads numbers by their place in a larger, broadcast shape.
struct Reader<'a> {
    numbers: &'a [f64],
    /// For each dimension of the large shape: its size, and the step in `numbers`.
    steps: Vec<(usize, usize)>,
}

impl<'a> Reader<'a> {
    fn new(known: &'a Known, dims: &[usize]) -> Self {
        let lead = dims.len() - known.dims.len();
        let mut step = 1;
        let mut steps = vec![(0, 0); dims.len()];
        for at in (0..dims.len()).rev() {
            let own = at.checked_sub(lead).map_or(1, |at| known.dims[at]);
            steps[at] = (dims[at], if own == 1 { 0 } else { step });
            step *= own;
        }
        Self { numbers: &known.numbers, steps }
    }

    fn at(&self, mut place: usize) -> f64 {
        let mut own = 0;
        for &(size, step) in self.steps.iter().rev() {
            own += place % size * step;
            place /= size;
        }
        self.numbers[own]
    }
}
