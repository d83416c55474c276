//! The same behaviour of every dialect, against a fake that speaks its protocol.

mod addresses;
mod answers;
mod bench;
mod cuts;
mod faults;
mod lists;
mod odd;
mod parts;
mod peculiar;
mod streams;
mod times;
mod words;

pub(crate) use bench::{Bench, Heard, Nobody, hello, until};

/// Runs each body with every protocol. A body that is not listed is unused, which the compiler refuses.
macro_rules! on_every_wire {
    ($($name:ident,)*) => {
        crate::wires::on_every_wire!(@one openai Openai $($name,)*);
        crate::wires::on_every_wire!(@one anthropic Anthropic $($name,)*);
        crate::wires::on_every_wire!(@one gemini Gemini $($name,)*);
        crate::wires::on_every_wire!(@one ollama Ollama $($name,)*);
        crate::wires::on_every_wire!(@one huggingface Huggingface $($name,)*);
    };
    (@one $module:ident $wire:ident $($name:ident,)*) => {
        mod $module {
            $(#[tokio::test]
            async fn $name() { super::$name(cofounder_testkit::provider::Wire::$wire).await; })*
        }
    };
}
pub(crate) use on_every_wire;
