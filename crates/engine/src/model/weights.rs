//! Reads tensors from a GGUF file. Four- and five-bit formats for which there is no fast arithmetic become Q8_0 on
//! the way in: `docs/adr/0001-embedded-model.md` has the measurement.

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QMatMul, QTensor, gguf_file::Content},
};
use std::{fs::File, io::BufReader, path::Path};

/// Reads a file's header.
pub(crate) fn open(path: &Path) -> Result<(Content, BufReader<File>), String> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(|e| e.to_string())?);
    let content = Content::read(&mut reader).map_err(|e| e.to_string())?;
    Ok((content, reader))
}

/// The tensors of one file.
pub(crate) struct Weights<'a> {
    content: &'a Content,
    reader: BufReader<File>,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(content: &'a Content, reader: BufReader<File>) -> Self {
        Self { content, reader }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A matrix to multiply with, kept in its quantised form.
    pub(crate) fn matrix(&mut self, name: &str) -> candle_core::Result<QMatMul> {
        let tensor = self.content.tensor(&mut self.reader, name, &Device::Cpu)?;
        let slow =
            matches!(tensor.dtype(), GgmlDType::Q4_0 | GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1);
        let tensor = if slow {
            QTensor::quantize(&tensor.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)?
        } else {
            tensor
        };
        QMatMul::from_qtensor(tensor)
    }

    /// A vector of single-precision numbers.
    pub(crate) fn vector(&mut self, name: &str) -> candle_core::Result<Tensor> {
        self.content.tensor(&mut self.reader, name, &Device::Cpu)?.dequantize(&Device::Cpu)
    }

    /// The same, if the file has it.
    pub(crate) fn optional(&mut self, name: &str) -> candle_core::Result<Option<Tensor>> {
        if self.has(name) { self.vector(name).map(Some) } else { Ok(None) }
    }
}
