//! Recurrent networks.

use burn::tensor::{Tensor, activation};

use crate::values::Floats;

use super::Entry;
use super::call::{Call, Outputs};

pub(super) const TABLE: &[Entry] = &[
    ("GRU", |call| recurrent(call, &GRU)),
    ("LSTM", |call| recurrent(call, &LSTM)),
    ("RNN", |call| recurrent(call, &RNN)),
];

/// A kind of cell.
struct Cell {
    gates: usize,
    /// The activations of one direction, if none are named.
    activations: &'static [&'static str],
    /// Whether there is a second state beside the hidden one.
    has_memory: bool,
    step: fn(&Weights, &Step<'_>, State) -> Result<State, String>,
}

const GRU: Cell =
    Cell { gates: 3, activations: &["sigmoid", "tanh"], has_memory: false, step: gru };
const LSTM: Cell =
    Cell { gates: 4, activations: &["sigmoid", "tanh", "tanh"], has_memory: true, step: lstm };
const RNN: Cell = Cell { gates: 1, activations: &["tanh"], has_memory: false, step: rnn };

/// The weights of one direction.
struct Weights {
    /// `[hidden, gates * hidden]`
    recurrent: Tensor<2>,
    /// The biases of the recurrent part, `[1, gates * hidden]`.
    recurrent_bias: Tensor<2>,
    /// The peepholes of an LSTM, `[1, 3 * hidden]`.
    peepholes: Option<Tensor<2>>,
    activations: Vec<String>,
    hidden: usize,
    /// For a GRU: whether the reset gate comes after the product.
    reset_after: bool,
    couples: bool,
}

/// The input of one step, already multiplied by its weights, with its biases.
struct Step<'a> {
    /// `[rows, gates * hidden]`
    input: &'a Tensor<2>,
}

/// The states, `[rows, hidden]` each.
#[derive(Clone)]
struct State {
    hidden: Tensor<2>,
    memory: Tensor<2>,
}

fn recurrent(call: &mut Call, cell: &Cell) -> Outputs {
    // Rows may come first or second.
    let rows_first = call.integer("layout", 0) != 0;
    let x = call.floats(0)?;
    let x: Tensor<3> = if rows_first { x.permute(&[1, 0, 2])?.fixed()? } else { x.fixed()? };
    let [steps, rows, _] = x.dims();
    let hidden = call.size("hidden_size", 0)?;
    if steps == 0 || rows == 0 || hidden == 0 {
        return Err("there are no steps, rows or hidden values".into());
    }
    refuse_lengths(call, steps)?;
    if call.has_option("clip") {
        return Err("`clip` is not supported".into());
    }
    let directions: &[bool] = match call.text("direction", "forward") {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => return Err(format!("the direction `{other}` is not supported")),
    };
    let mut all = Vec::new();
    let mut last = Vec::new();
    for (at, &reverse) in directions.iter().enumerate() {
        let (weights, input) = weights(call, cell, at, directions.len(), hidden, &x)?;
        let mut state = initial(call, cell, at, [rows, hidden], rows_first, &x)?;
        let mut outputs = vec![None; steps];
        for step in 0..steps {
            let step = if reverse { steps - 1 - step } else { step };
            let [_, _, gates] = input.dims();
            let of_step = input.clone().narrow(0, step, 1).reshape([rows, gates]);
            state = (cell.step)(&weights, &Step { input: &of_step }, state)?;
            outputs[step] = Some(state.hidden.clone());
        }
        all.push(Tensor::stack::<3>(outputs.into_iter().flatten().collect(), 0));
        last.push(state);
    }
    // `[steps, directions, rows, hidden]`, or rows first.
    let all = Floats::of(Tensor::stack::<4>(all, 1));
    let all = if rows_first { all.permute(&[2, 0, 1, 3])? } else { all };
    let stacked = |states: Vec<Tensor<2>>| {
        let stacked = Floats::of(Tensor::stack::<3>(states, 0));
        if rows_first { stacked.permute(&[1, 0, 2]) } else { Ok(stacked) }
    };
    let (hidden, memory): (Vec<_>, Vec<_>) =
        last.into_iter().map(|state| (state.hidden, state.memory)).unzip();
    let mut outputs = vec![all.into(), stacked(hidden)?.into()];
    if cell.has_memory {
        outputs.push(stacked(memory)?.into());
    }
    Ok(outputs)
}

/// Refuses rows of different lengths.
fn refuse_lengths(call: &Call, steps: usize) -> Result<(), String> {
    if call.has(4) && call.read_integers(4)?.iter().any(|&length| length != steps as i64) {
        return Err("rows of different lengths are not supported".into());
    }
    Ok(())
}

/// Returns the weights of a direction, and its input for all steps: `[steps, rows, gates * hidden]`.
fn weights(
    call: &Call,
    cell: &Cell,
    at: usize,
    directions: usize,
    hidden: usize,
    x: &Tensor<3>,
) -> Result<(Weights, Tensor<3>), String> {
    let gates = cell.gates * hidden;
    let [steps, rows, width] = x.dims();
    let of_direction = |input: usize, shape: &[usize]| {
        let array = call.floats(input)?;
        if array.dims() != [&[directions], shape].concat() {
            return Err(format!("weights of the shape {:?} do not fit", array.dims()));
        }
        let axis = crate::values::RANK - array.rank;
        let rank = array.rank;
        Floats::new(array.tensor.narrow(axis, at, 1), rank).reshape(shape)
    };
    let input_weight = of_direction(1, &[gates, width])?.fixed::<2>()?.transpose();
    let recurrent = of_direction(2, &[gates, hidden])?.fixed::<2>()?.transpose();
    let options = (&recurrent.device(), recurrent.dtype());
    let bias = match call.has(3) {
        true => of_direction(3, &[2 * gates])?.reshape(&[1, 2 * gates])?.fixed::<2>()?,
        false => Tensor::zeros([1, 2 * gates], options),
    };
    let peepholes = match cell.has_memory && call.has(7) {
        true => Some(of_direction(7, &[3 * hidden])?.reshape(&[1, 3 * hidden])?.fixed::<2>()?),
        false => None,
    };
    // The same for all steps, so that one product is enough.
    let flat = x.clone().reshape([steps * rows, width]).matmul(input_weight);
    let input = (flat + bias.clone().narrow(1, 0, gates)).reshape([steps, rows, gates]);
    let each = cell.activations.len();
    let activations = match call.texts("activations") {
        Some(names) if names.len() >= (at + 1) * each => names[at * each..(at + 1) * each].to_vec(),
        _ => cell.activations.iter().map(|&name| name.to_owned()).collect(),
    };
    let weights = Weights {
        recurrent,
        recurrent_bias: bias.narrow(1, gates, gates),
        peepholes,
        activations: activations.iter().map(|name| name.to_lowercase()).collect(),
        hidden,
        reset_after: call.integer("linear_before_reset", 0) != 0,
        couples: call.integer("input_forget", 0) != 0,
    };
    Ok((weights, input))
}

/// Returns the states before the first step.
fn initial(
    call: &Call,
    cell: &Cell,
    at: usize,
    dims: [usize; 2],
    rows_first: bool,
    x: &Tensor<3>,
) -> Result<State, String> {
    let zeros = Tensor::zeros(dims, (&x.device(), x.dtype()));
    let given = |input: usize| {
        if !call.has(input) {
            return Ok(zeros.clone());
        }
        let array = call.floats(input)?;
        let array = if rows_first { array.permute(&[1, 0, 2])? } else { array };
        let [directions, rows, hidden] = array.clone().fixed::<3>()?.dims();
        if at >= directions || hidden != dims[1] || (rows != dims[0] && rows != 1) {
            return Err(format!("a state of the shape {:?} does not fit", array.dims()));
        }
        Ok(array.fixed::<3>()?.narrow(0, at, 1).reshape([rows, hidden]).expand(dims))
    };
    let memory = if cell.has_memory { given(6)? } else { zeros.clone() };
    Ok(State { hidden: given(5)?, memory })
}

impl Weights {
    /// Applies an activation.
    fn activate(&self, at: usize, x: Tensor<2>) -> Result<Tensor<2>, String> {
        Ok(match self.activations[at].as_str() {
            "sigmoid" => activation::sigmoid(x),
            "tanh" => x.tanh(),
            "relu" => activation::relu(x),
            "hardsigmoid" => (x * 0.2 + 0.5).clamp(0.0, 1.0),
            "softsign" => x.clone() / (x.abs() + 1.0),
            "softplus" => -activation::log_sigmoid(-x),
            "affine" => x,
            other => return Err(format!("the activation `{other}` is not supported")),
        })
    }

    /// Returns a gate out of all.
    fn gate(&self, all: &Tensor<2>, at: usize) -> Tensor<2> {
        all.clone().narrow(1, at * self.hidden, self.hidden)
    }
}

/// Hochreiter and Schmidhuber, 1997. The gates are: input, output, forget, cell.
fn lstm(weights: &Weights, step: &Step, state: State) -> Result<State, String> {
    let all = step.input.clone()
        + state.hidden.matmul(weights.recurrent.clone())
        + weights.recurrent_bias.clone();
    let peep = |gate: Tensor<2>, at: usize, memory: &Tensor<2>| match &weights.peepholes {
        Some(all) => gate + weights.gate(all, at) * memory.clone(),
        None => gate,
    };
    let input = weights.activate(0, peep(weights.gate(&all, 0), 0, &state.memory))?;
    let forget = if weights.couples {
        -input.clone() + 1.0
    } else {
        weights.activate(0, peep(weights.gate(&all, 2), 2, &state.memory))?
    };
    let new = weights.activate(1, weights.gate(&all, 3))?;
    let memory = forget * state.memory + input * new;
    let output = weights.activate(0, peep(weights.gate(&all, 1), 1, &memory))?;
    Ok(State { hidden: output * weights.activate(2, memory.clone())?, memory })
}

/// Cho et al., 2014. The gates are: update, reset, hidden.
fn gru(weights: &Weights, step: &Step, state: State) -> Result<State, String> {
    let product = state.hidden.clone().matmul(weights.recurrent.clone());
    let product = product + weights.recurrent_bias.clone();
    let gate = |at: usize| weights.gate(step.input, at) + weights.gate(&product, at);
    let (update, reset) = (weights.activate(0, gate(0))?, weights.activate(0, gate(1))?);
    let old = if weights.reset_after {
        reset * weights.gate(&product, 2)
    } else {
        let last = weights.recurrent.clone().narrow(1, 2 * weights.hidden, weights.hidden);
        (reset * state.hidden.clone()).matmul(last) + weights.gate(&weights.recurrent_bias, 2)
    };
    let new = weights.activate(1, weights.gate(step.input, 2) + old)?;
    let hidden = (-update.clone() + 1.0) * new + update * state.hidden;
    Ok(State { hidden, memory: state.memory })
}

fn rnn(weights: &Weights, step: &Step, state: State) -> Result<State, String> {
    let all = step.input.clone()
        + state.hidden.matmul(weights.recurrent.clone())
        + weights.recurrent_bias.clone();
    Ok(State { hidden: weights.activate(0, all)?, memory: state.memory })
}
