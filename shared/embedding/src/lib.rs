//! What a sentence means, as a vector, without a service: static embeddings.
//!
//! Each token of a vocabulary of 32,000 has one row of 256 numbers; a text's
//! vector is the mean of its tokens' rows, normalised. The rows were distilled
//! from a large model's (the `l2_supercat` of wordllama, MIT licence), so that
//! texts about the same things in other words lie near each other. It costs
//! microseconds and knows nothing of word order: good for finding, not for
//! judging. They stand in the binary, 16 MB, of which a process only reads the
//! pages whose tokens it meets.

use half::f16;
use safetensors::{Dtype, SafeTensors};
use tokenizers::Tokenizer;

/// Numbers of a vector.
pub const DIMENSIONS: usize = 256;
/// The name that vectors of this kind are kept under: those of another kind
/// can't be compared with them.
pub const NAME: &str = "l2-supercat-256";
/// Bytes of a text that are read: beyond them its vector changes little, and
/// tokenizing takes its time.
const READ_MAX: usize = 4_096;

static WEIGHTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/l2_supercat_256.safetensors"));
static TOKENIZER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/l2_supercat_tokenizer_config.json"));

/// The embeddings could not be read: they were damaged after they were built in.
#[derive(Debug, thiserror::Error)]
pub enum Damaged {
    /// The tokenizer's file.
    #[error("the tokenizer can't be read: {0}")]
    Tokenizer(tokenizers::Error),
    /// The table of rows.
    #[error("the weights can't be read: {0}")]
    Weights(#[from] safetensors::SafeTensorError),
    /// A table of another form.
    #[error("the weights are not rows of {DIMENSIONS} half floats")]
    Form,
}

/// Turns texts into vectors.
#[derive(Debug)]
pub struct Embedder {
    tokenizer: Tokenizer,
    /// One row a token, each [`DIMENSIONS`] half floats, little-endian.
    rows: &'static [u8],
}

impl Embedder {
    /// Reads the tokenizer, which takes some 50 ms: once a process.
    pub fn new() -> Result<Self, Damaged> {
        let tokenizer = Tokenizer::from_bytes(TOKENIZER).map_err(Damaged::Tokenizer)?;
        let tensors = SafeTensors::deserialize(WEIGHTS)?;
        let (_, table) = tensors.iter().next().ok_or(Damaged::Form)?;
        if table.dtype() != Dtype::F16 || !matches!(table.shape(), [_, DIMENSIONS]) {
            return Err(Damaged::Form);
        }
        // The view borrows the tensors, its data the file: found again by its place.
        let from = table.data().as_ptr().addr() - WEIGHTS.as_ptr().addr();
        let rows = WEIGHTS.get(from..from + table.data().len()).ok_or(Damaged::Form)?;
        Ok(Self { tokenizer, rows })
    }

    /// The vector of `text`, of length 1; `None` when it has no token, as an
    /// empty text has none.
    pub fn embed(&self, text: &str) -> Option<Vec<f32>> {
        let text = text.get(..text.floor_char_boundary(READ_MAX)).unwrap_or(text);
        let encoding = self.tokenizer.encode_fast(text, false).ok()?;
        let mut sum = vec![0.0_f32; DIMENSIONS];
        for token in encoding.get_ids() {
            let start = *token as usize * DIMENSIONS * 2;
            let row = self.rows.get(start..start + DIMENSIONS * 2)?;
            for (sum, bytes) in sum.iter_mut().zip(row.as_chunks::<2>().0) {
                *sum += f16::from_le_bytes(*bytes).to_f32();
            }
        }
        normalised(sum)
    }
}

/// `vector` with length 1, the form in which vectors are compared; `None` for
/// one without a direction.
pub fn normalised(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if !length.is_finite() || length <= f32::EPSILON {
        return None;
    }
    vector.iter_mut().for_each(|number| *number /= length);
    Some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(one: &[f32], other: &[f32]) -> f32 {
        one.iter().zip(other).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn what_means_the_same_lies_nearer_than_what_shares_a_word() {
        let embedder = Embedder::new().unwrap();
        let embed = |text| embedder.embed(text).unwrap();
        let asked = embed("companies dismiss workers");
        let same = cosine(&asked, &embed("The firm laid off a tenth of its staff."));
        let shares = cosine(&asked, &embed("Two companies share a car park in the valley."));
        assert!(same > shares + 0.1, "{same} {shares}");
    }

    /// Counted by hand, by the rule in the package's own documentation.
    #[test]
    fn a_vector_is_the_mean_of_its_tokens_and_has_length_one() {
        let embedder = Embedder::new().unwrap();
        let vector = embedder.embed("energy storage").unwrap();
        assert_eq!(vector.len(), DIMENSIONS);
        assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5);
        let ids = embedder.tokenizer.encode("energy storage", false).unwrap().get_ids().to_vec();
        let tensors = SafeTensors::deserialize(WEIGHTS).unwrap();
        let table = tensors.iter().next().unwrap().1;
        let number = |token: u32, place: usize| {
            let at = (token as usize * DIMENSIONS + place) * 2;
            f16::from_le_bytes([table.data()[at], table.data()[at + 1]]).to_f32()
        };
        let mean: Vec<f32> = (0..DIMENSIONS)
            .map(|place| ids.iter().map(|id| number(*id, place)).sum::<f32>() / ids.len() as f32)
            .collect();
        let length = cosine(&mean, &mean).sqrt();
        assert!(vector.iter().zip(&mean).all(|(got, mean)| (got - mean / length).abs() < 1e-5));
    }

    #[test]
    fn nothing_has_no_vector_and_any_text_has_one() {
        let embedder = Embedder::new().unwrap();
        assert!(embedder.embed("").is_none());
        for text in ["x", "\u{0}", "日本語のニュース", &"long ".repeat(100_000), "🦀\u{200d}🦀"] {
            assert!(
                embedder.embed(text).is_some_and(|vector| vector.iter().all(|number| number.is_finite()))
            );
        }
    }
}
