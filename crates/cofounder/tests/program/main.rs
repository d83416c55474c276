//! The program as a person uses it: the real binary, real files, a real database, and a provider that is scripted.

mod story;
mod workbench;

mod briefs;
mod sources;
mod writing;
