//! Tensors with random numbers, as each storage type writes them.

use super::{Weights, write::push_text};

/// 2⁻⁹ as a 16-bit float.
const SCALE_F16: u16 = 0x1800;
const SCALE: f32 = 1.0 / 512.0;
/// 2⁻⁵ as a 16-bit float: 16 steps of it span what the other types hold.
const STEP_F16: u16 = 0x2800;
const STEP: f32 = 1.0 / 32.0;
/// -1/4 as a 16-bit float.
const START_F16: u16 = 0xB400;
const START: f32 = -0.25;
/// Numbers in a block.
const BLOCK: usize = 32;

impl Weights {
    /// The number of the type of a tensor.
    fn tensor_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Q4_1 => 3,
            Self::Q8_0 => 8,
        }
    }

    /// The number of the type of a whole file.
    pub(super) fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Q4_1 => 3,
            Self::Q8_0 => 7,
        }
    }
}

pub(super) struct Tensor {
    pub(super) name: String,
    dimensions: Vec<usize>,
    /// Nothing for a vector, whose numbers are 32-bit floats around one.
    weights: Option<Weights>,
}

impl Tensor {
    /// The first dimension is the one that lies together in the file.
    pub(super) fn matrix(name: impl Into<String>, from: usize, to: usize, weights: Weights) -> Self {
        Self { name: name.into(), dimensions: vec![from, to], weights: Some(weights) }
    }

    pub(super) fn vector(name: impl Into<String>, size: usize) -> Self {
        Self { name: name.into(), dimensions: vec![size], weights: None }
    }

    pub(super) fn describe(&self, out: &mut Vec<u8>, offset: usize) {
        push_text(out, &self.name);
        out.extend((self.dimensions.len() as u32).to_le_bytes());
        for size in &self.dimensions {
            out.extend((*size as u64).to_le_bytes());
        }
        out.extend(self.weights.map_or(0, Weights::tensor_type).to_le_bytes());
        out.extend((offset as u64).to_le_bytes());
    }

    pub(super) fn fill(&self, data: &mut Vec<u8>, random: &mut XorShift) {
        match self.weights {
            None | Some(Weights::F32) => {
                data.extend(self.numbers(random).iter().flat_map(|number| number.to_le_bytes()));
            }
            Some(Weights::Q8_0) => (0..self.count() / BLOCK).for_each(|_| {
                data.extend(SCALE_F16.to_le_bytes());
                data.extend((0..BLOCK).flat_map(|_| random.small().to_le_bytes()));
            }),
            Some(Weights::Q4_1) => (0..self.count() / BLOCK).for_each(|_| {
                let steps: Vec<u8> = (0..BLOCK).map(|_| random.step()).collect();
                let (low, high) = steps.split_at(BLOCK / 2);
                data.extend(STEP_F16.to_le_bytes());
                data.extend(START_F16.to_le_bytes());
                data.extend(low.iter().zip(high).map(|(low, high)| low | high << 4));
            }),
        }
    }

    /// What [`Self::fill`] writes.
    pub(super) fn numbers(&self, random: &mut XorShift) -> Vec<f32> {
        let number = |_| match self.weights {
            None => 1.0 + f32::from(random.small()) * SCALE,
            Some(Weights::F32 | Weights::Q8_0) => f32::from(random.small()) * SCALE,
            Some(Weights::Q4_1) => START + f32::from(random.step()) * STEP,
        };
        (0..self.count()).map(number).collect()
    }

    fn count(&self) -> usize {
        self.dimensions.iter().product()
    }
}

/// Marsaglia's generator of 64 bits: no dependency, and the same numbers for ever.
pub(super) struct XorShift(u64);

impl XorShift {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1 << 63)
    }

    /// From -127 to 127.
    fn small(&mut self) -> i8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i8::try_from((self.0 >> 32) as i64 % 255 - 127).unwrap_or_default()
    }

    /// From 0 to 15.
    fn step(&mut self) -> u8 {
        ((i16::from(self.small()) + 127) / 16) as u8
    }
}
