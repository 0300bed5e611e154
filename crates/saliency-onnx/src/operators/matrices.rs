//! Products of matrices.

use burn::tensor::Tensor;

use crate::values::{Floats, RANK};

use super::Entry;
use super::call::{Call, Outputs, mapped, one};

pub(super) const TABLE: &[Entry] = &[
    ("Einsum", einsum),
    ("Gemm", gemm),
    ("MatMul", |call| one(product(call, call.floats(0)?, call.floats(1)?)?)),
];

/// Multiplies matrices, which are the last two axes. A vector is a row on the left, and a column on
/// the right.
pub(super) fn product(call: &Call, left: Floats, right: Floats) -> Result<Floats, String> {
    let (a, b) = (left.dims(), right.dims());
    if a.is_empty() || b.is_empty() {
        return Err("a single number is no matrix".into());
    }
    let row = if a.len() == 1 { left.reshape(&[1, a[0]])? } else { left };
    let column = if b.len() == 1 { right.reshape(&[b[0], 1])? } else { right };
    let (wide, tall) = (row.dims(), column.dims());
    let inner = wide[wide.len() - 1];
    if inner != tall[tall.len() - 2] {
        return Err(format!("{a:?} and {b:?} cannot be multiplied"));
    }
    let batch = crate::values::broadcast(&wide[..wide.len() - 2], &tall[..tall.len() - 2])?;
    let result = [batch, vec![wide[wide.len() - 2], tall[tall.len() - 1]]].concat();
    call.check_size(&result)?;
    let multiplied = if result.contains(&0) || inner == 0 {
        // Burn's CPU backend cannot multiply empty matrices.
        Floats::new(Tensor::zeros(crate::values::full_dims(&result), row.like()), result.len())
    } else if tall.len() == 2 {
        // One matrix for all: the batch is a taller matrix.
        let rows = row.len() / inner;
        let flat = row.reshape(&[rows, inner])?.fixed::<2>()?;
        Floats::of(flat.matmul(column.fixed::<2>()?)).reshape(&result)?
    } else {
        Floats::new(row.tensor.matmul(column.tensor), result.len())
    };
    // The axes of vectors vanish.
    let mut kept = result;
    if b.len() == 1 {
        kept.pop();
    }
    if a.len() == 1 {
        kept.remove(kept.len() - if b.len() == 1 { 1 } else { 2 });
    }
    multiplied.reshape(&kept)
}

fn gemm(call: &mut Call) -> Outputs {
    // A turned matrix of rank two needs no copy.
    let turned = |at: usize, name: &str| {
        let matrix = call.floats(at)?.fixed::<2>()?;
        Ok::<_, String>(if call.integer(name, 0) == 0 { matrix } else { matrix.transpose() })
    };
    let scaled = |matrix: Floats, name: &str| match call.float(name, 1.0) {
        1.0 => matrix,
        factor => mapped(matrix, |x| x * factor),
    };
    let (left, right) = (turned(0, "transA")?, turned(1, "transB")?);
    let ([rows, inner], [tall, columns]) = (left.dims(), right.dims());
    if inner != tall {
        return Err(format!("{:?} and {:?} cannot be multiplied", left.dims(), right.dims()));
    }
    if [rows, inner, columns].contains(&0) {
        return Err("there are no values".into());
    }
    call.check_size(&[rows, columns])?;
    let product = scaled(Floats::of(left.matmul(right)), "alpha");
    if !call.has(2) {
        return one(product);
    }
    let bias = scaled(call.floats(2)?, "beta");
    crate::values::broadcast(&product.dims(), &bias.dims())?;
    one(mapped(product, |x| x + bias.tensor))
}

fn einsum(call: &mut Call) -> Outputs {
    let equation = call.text("equation", "").replace(' ', "");
    let Some((inputs, output)) = equation.split_once("->") else {
        return Err(format!("`{equation}` does not name its result"));
    };
    let inputs: Vec<&str> = inputs.split(',').collect();
    let letters = |text: &str| text.chars().all(|letter| letter.is_ascii_alphabetic());
    if !inputs.iter().all(|text| letters(text)) || !letters(output) || inputs.len() != call.count()
    {
        return Err(format!("`{equation}` is not supported"));
    }
    // Every letter gets an axis of the tensor of rank eight, in the same place for all.
    let mut axes: Vec<char> = output.chars().collect();
    let summed = inputs.iter().flat_map(|text| text.chars()).filter(|it| !output.contains(*it));
    for letter in summed {
        if !axes.contains(&letter) {
            axes.push(letter);
        }
    }
    let [left, right] = inputs.as_slice() else {
        return Err(format!("`{equation}` does not have two inputs"));
    };
    if axes.len() > RANK
        || output.chars().collect::<std::collections::HashSet<_>>().len() != output.len()
    {
        return Err(format!("`{equation}` is not supported"));
    }
    one(contracted(call, &axes, [left, right], output)?)
}

/// Multiplies two tensors and sums over the letters that only they have, as a product of matrices.
fn contracted(
    call: &Call,
    axes: &[char],
    inputs: [&str; 2],
    output: &str,
) -> Result<Floats, String> {
    let (a, b) = (call.floats(0)?, call.floats(1)?);
    let size = |letter: char| {
        let of =
            |text: &str, dims: &[usize]| text.find(letter).and_then(|at| dims.get(at).copied());
        of(inputs[0], &a.dims()).or(of(inputs[1], &b.dims())).ok_or("an axis is missing")
    };
    let group = |in_left: bool, in_right: bool, in_output: bool| -> Vec<char> {
        axes.iter()
            .copied()
            .filter(|&letter| {
                inputs[0].contains(letter) == in_left
                    && inputs[1].contains(letter) == in_right
                    && output.contains(letter) == in_output
            })
            .collect()
    };
    // Letters of one input alone that are summed would need a sum first.
    if !group(true, false, false).is_empty() || !group(false, true, false).is_empty() {
        return Err("sums over one input are not supported".into());
    }
    let (batch, inner) = (group(true, true, true), group(true, true, false));
    let (rows, columns) = (group(true, false, true), group(false, true, true));
    let count = |letters: &[char]| {
        letters.iter().try_fold(1, |all, &letter| Ok::<_, String>(all * size(letter)?))
    };
    let arranged = |array: Floats, text: &str, order: [&[char]; 3]| {
        if array.rank != text.len() {
            return Err(format!("`{text}` does not fit the shape {:?}", array.dims()));
        }
        let letters = order.concat();
        let places = letters.iter().map(|&letter| text.find(letter)).collect::<Option<Vec<_>>>();
        let places = places.ok_or("an axis is missing")?;
        let dims = [count(order[0])?, count(order[1])?, count(order[2])?];
        array.permute(&places)?.reshape(&dims)
    };
    let left = arranged(a.clone(), inputs[0], [&batch, &rows, &inner])?;
    let right = arranged(b.clone(), inputs[1], [&batch, &inner, &columns])?;
    let letters = [batch, rows, columns].concat();
    let dims = letters.iter().map(|&letter| size(letter)).collect::<Result<Vec<_>, _>>()?;
    let order = output.chars().map(|letter| letters.iter().position(|&it| it == letter));
    let order = order.collect::<Option<Vec<_>>>().ok_or("an axis is missing")?;
    product(call, left, right)?.reshape(&dims)?.permute(&order)
}
