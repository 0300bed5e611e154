//! Which words made a sentence classifier decide? Token models are explained from their embeddings.
//!
//! ```text
//! cargo run --example tokens
//! ```
//!
//! The network's weights are set by hand, so that the right answer is known: its embedding says how
//! good or bad a word is and whether it negates the next one.

use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Bool, Device, Int, Tensor};
use saliency::{Explainer, Fixed, IntegratedGradients, Model, Target};

/// Each word with how good it is and how much it negates.
const WORDS: [(&str, [f32; 2]); 9] = [
    ("", [0.0, 0.0]),
    ("the", [0.0, 0.0]),
    ("food", [0.1, 0.0]),
    ("was", [0.0, 0.0]),
    ("good", [1.0, 0.0]),
    ("not", [0.0, 1.0]),
    ("awful", [-1.5, 0.0]),
    ("and", [0.0, 0.0]),
    ("service", [0.1, 0.0]),
];

#[derive(Module, Debug)]
struct Sentiment {
    embedding: Embedding,
}

/// Embeddings `[rows, tokens, 2]`, and which tokens are padding: handed on, not explained.
type Sentence = (Tensor<3>, Fixed<Tensor<2, Bool>>);

impl Model<Sentence> for Sentiment {
    /// Scores for bad and good.
    fn forward(&self, (words, padding): Sentence) -> Tensor<2> {
        let [rows, tokens, _] = words.dims();
        let valence = words.clone().narrow(2, 0, 1).reshape([rows, tokens]);
        let negates = words.narrow(2, 1, 1).reshape([rows, tokens]);
        // Each word is turned around by the one before it.
        let before = negates.narrow(1, 0, tokens - 1).pad((1, 0, 0, 0), 0.0);
        let meaning = valence.clone() - valence * before * 1.5;
        let total = meaning.mask_fill(padding.0, 0.0).sum_dim(1);
        Tensor::cat(vec![relu(-total.clone()), relu(total)], 1)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex();
    let table: Vec<f32> = WORDS.iter().flat_map(|(_, values)| *values).collect();
    let table = Tensor::<1>::from_data(&table[..], &device).reshape([WORDS.len(), 2]);
    let mut embedding = EmbeddingConfig::new(WORDS.len(), 2).init(&device);
    embedding.weight = Param::from_tensor(table);
    let net = Sentiment { embedding };

    // "the food was not good" and "good service and awful food", the shorter one padded.
    let tokens = Tensor::<2, Int>::from_data([[1, 2, 3, 5, 4, 0], [4, 8, 7, 6, 2, 0]], &device);
    let padding = tokens.clone().equal_elem(0);
    let words = net.embedding.forward(tokens.clone());
    let map = IntegratedGradients::new().to_tolerance(0.01).attribute_to(
        &net,
        (words, Fixed(padding)),
        Target::Difference(1, 0),
    )?;

    // One number per token: the sum over its embedding.
    let per_token: Vec<f32> = map.values.0.sum_dim(2).into_data().iter().collect();
    let tokens: Vec<i64> = tokens.into_data().iter().collect();
    for (sentence, (tokens, values)) in tokens.chunks(6).zip(per_token.chunks(6)).enumerate() {
        println!("good rather than bad: {:+.2}", map.scores[sentence]);
        for (token, value) in tokens.iter().zip(values).filter(|(token, _)| **token != 0) {
            let bar = "#".repeat((value.abs() * 20.0).round() as usize);
            println!("  {:>8} {value:+.2} {bar}", WORDS[*token as usize].0);
        }
    }
    Ok(())
}
