//! Attacks, each on the real program: what `docs/attacks.md` lists. A test here fails when its defence is taken out.

mod bodies;
mod browsers;
mod fields;
mod garbage;
mod places;
mod rates;
