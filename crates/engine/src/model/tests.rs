//! The transformer against [`Reference`].

use cofounder_testkit::gguf::{TinyModel, Weights};

use super::{Config, Model, open, reference::Reference};

fn tiny(architecture: &str, weights: Weights) -> TinyModel {
    TinyModel { architecture: architecture.to_owned(), weights, ..TinyModel::default() }
}

fn loaded(tiny: &TinyModel) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    tiny.write(&path).unwrap();
    let content = open(&path).unwrap();
    let config = Config::read(&content, None).unwrap();
    let words = content.metadata["tokenizer.ggml.tokens"].to_vec().unwrap().len();
    Model::load(&path, &content, config, words).unwrap()
}

/// Tokens of the tiny vocabulary that do not repeat soon.
fn prompt(count: u32) -> Vec<u32> {
    (0..count).map(|i| 3 + (i * 37 + i / 5) % 270).collect()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn likeliest(scores: &[f32]) -> usize {
    (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
}

#[test]
fn every_architecture_computes_what_the_reference_does() {
    for architecture in ["llama", "qwen2", "qwen3"] {
        let tiny = tiny(architecture, Weights::F32);
        let (mut model, reference) = (loaded(&tiny), Reference::new(&tiny));
        let mut tokens = prompt(11);
        let mut scores = model.forward(&tokens).unwrap();
        for _ in 0..8 {
            let expected = reference.logits(&tokens);
            let apart = furthest(&scores, &expected);
            assert!(apart < 1e-4, "{architecture}, behind {} tokens: {apart}", tokens.len());
            let next = likeliest(&scores);
            assert_eq!(next, likeliest(&expected));
            tokens.push(next as u32);
            scores = model.forward(&[next as u32]).unwrap();
        }
    }
}

#[test]
fn the_architectures_differ() {
    let [llama, qwen2, qwen3] =
        ["llama", "qwen2", "qwen3"].map(|a| Reference::new(&tiny(a, Weights::F32)).logits(&prompt(9)));
    assert!(furthest(&llama, &qwen2) > 0.01 && furthest(&qwen2, &qwen3) > 0.01);
}

#[test]
fn quantised_weights_compute_nearly_the_same() {
    for weights in [Weights::Q8_0, Weights::Q4_1] {
        let tiny = tiny("llama", weights);
        let expected = Reference::new(&tiny).logits(&prompt(20));
        let apart = furthest(&loaded(&tiny).forward(&prompt(20)).unwrap(), &expected);
        let spread = furthest(&expected, &vec![0.0; expected.len()]);
        assert!(apart < 0.03 * spread, "{weights:?}: {apart} of {spread}");
    }
}

#[test]
fn how_a_prompt_is_cut_does_not_matter_and_the_store_grows() {
    // Longer than the store's first size.
    let tokens = prompt(300);
    let tiny = tiny("llama", Weights::F32);
    let expected = Reference::new(&tiny).logits(&tokens);
    for chunk in [300, 128, 37, 1] {
        let mut model = loaded(&tiny);
        let scores = tokens.chunks(chunk).map(|chunk| model.forward(chunk).unwrap()).last().unwrap();
        let apart = furthest(&scores, &expected);
        assert!(apart < 1e-4, "{chunk} at a time: {apart}");
        assert_eq!(model.seen(), 300);
    }
}

#[test]
fn what_was_forgotten_has_no_effect() {
    let tiny = tiny("qwen3", Weights::F32);
    let mut model = loaded(&tiny);
    model.forward(&prompt(30)).unwrap();
    model.truncate(12);
    assert_eq!(model.seen(), 12);
    let scores = model.forward(&[5, 6, 7]).unwrap();
    let tokens = [&prompt(12)[..], &[5, 6, 7]].concat();
    assert!(furthest(&scores, &Reference::new(&tiny).logits(&tokens)) < 1e-4);
}

#[test]
fn a_vocabulary_that_does_not_fit_the_tensors_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    TinyModel::default().write(&path).unwrap();
    let content = open(&path).unwrap();
    let config = Config::read(&content, None).unwrap();
    let error = Model::load(&path, &content, config, 282).err().unwrap().to_string();
    assert!(error.contains("token_embd.weight") && error.contains("283"), "{error}");
}
