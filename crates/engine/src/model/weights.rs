//! Reads tensors from a GGUF file. Four- and five-bit formats for which there is no fast arithmetic become Q8_0 on
//! the way in: `docs/adr/0001-embedded-model.md` has the measurement.

use candle_core::{
    Device, Result, Tensor, bail,
    quantized::{GgmlDType, QMatMul, QTensor, gguf_file::Content},
};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

fn reader(path: &Path) -> std::io::Result<BufReader<File>> {
    Ok(BufReader::with_capacity(1 << 20, File::open(path)?))
}

/// Reads a file's header.
pub(crate) fn open(path: &Path) -> std::result::Result<Content, String> {
    let mut reader = reader(path).map_err(|e| e.to_string())?;
    // candle takes the name backwards for the same.
    if !reader.fill_buf().map_err(|e| e.to_string())?.starts_with(b"GGUF") {
        return Err("it is not a GGUF file".to_owned());
    }
    Content::read(&mut reader).map_err(|e| e.to_string())
}

/// The tensors of one file. Every one is read with the shape that it has to have: what a file declares never decides
/// how much is computed or allocated.
pub(crate) struct Weights<'a> {
    content: &'a Content,
    reader: BufReader<File>,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(path: &Path, content: &'a Content) -> Result<Self> {
        Ok(Self { content, reader: reader(path)? })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A matrix to multiply with, kept in its quantised form.
    pub(crate) fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<QMatMul> {
        let tensor = self.tensor(name, &[rows, columns])?;
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
    pub(crate) fn vector(&mut self, name: &str, size: usize) -> Result<Tensor> {
        self.tensor(name, &[size])?.dequantize(&Device::Cpu)
    }

    /// The same, if the file has it.
    pub(crate) fn optional(&mut self, name: &str, size: usize) -> Result<Option<Tensor>> {
        if self.has(name) { self.vector(name, size).map(Some) } else { Ok(None) }
    }

    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<QTensor> {
        match self.content.tensor_infos.get(name).map(|info| info.shape.dims()) {
            None => bail!("it has no tensor `{name}`"),
            Some(dims) if dims != shape => bail!("its tensor `{name}` has the shape {dims:?}, not {shape:?}"),
            Some(_) => self.content.tensor(&mut self.reader, name, &Device::Cpu),
        }
    }
}
