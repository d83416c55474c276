//! What the checks find and what they let pass, at the crate's public door.

mod answers;
mod arbitrary;
mod claims;
mod claims_more;
mod parsing;
mod prose;
mod rails;
