//! Tokenizers of three kinds: their encodings beside those of Python, their words, and what can go
//! wrong.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use saliency_core::TokenReduction;
use saliency_text::{Error, Padding, Piece, PieceKind, TokenKind, Tokenizer};
use serde_json::Value;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn open(name: &str) -> Tokenizer {
    Tokenizer::open(data(&format!("{name}.json"))).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Compares a tokenizer with the encodings of Python, one text at a time, and checks that each token
/// belongs to one word. Returns the number of tokens.
fn compare(folder: &Path, name: &str) -> usize {
    let golden = json(&folder.join("golden.json"));
    let tokenizer = Tokenizer::open(folder.join(name).with_extension("json")).unwrap();
    let texts = golden["texts"].as_array().unwrap();
    let mut count = 0;
    for (text, expected) in texts.iter().zip(golden[name].as_array().unwrap()) {
        let text = text.as_str().unwrap();
        let encoded = tokenizer.encode(&[text]).unwrap();
        let row = &encoded.rows()[0];
        let tokens = row.tokens();
        let numbers = |of: &dyn Fn(&saliency_text::Token) -> u64| -> Value {
            tokens.iter().map(of).collect::<Vec<_>>().into()
        };
        assert_eq!(numbers(&|token| token.id.into()), expected["ids"], "{name}: {text}");
        let is_padding = |token: &saliency_text::Token| token.kind == TokenKind::Padding;
        assert_eq!(numbers(&|token| (!is_padding(token)).into()), expected["mask"]);
        let is_text = |token: &saliency_text::Token| token.kind == TokenKind::Text;
        assert_eq!(numbers(&|token| (!is_text(token)).into()), expected["special"]);
        let offsets = tokens.iter().map(|token| vec![token.range.start, token.range.end]);
        assert_eq!(Value::from(offsets.collect::<Vec<_>>()), expected["offsets"], "{name}: {text}");

        let mut owned: Vec<usize> = row.words().iter().flat_map(|it| it.tokens.clone()).collect();
        owned.sort_unstable();
        assert!(owned.into_iter().eq(0..tokens.len()), "{name}: {text}");
        for word in row.words() {
            let spelled = word.range.is_empty() || text[word.range.clone()] == word.text;
            assert!(spelled, "{name}: {word:?}");
        }
        count += tokens.len();
    }
    count
}

#[test]
fn encodings_are_those_of_python() {
    for name in ["wordpiece", "bpe", "unigram"] {
        assert!(compare(&data(""), name) > 50);
    }
    // A published tokenizer, if there is one: see `tests/data/make.py`.
    if let Some(folder) = std::env::var_os("SALIENCY_TEXT_GOLDEN") {
        println!("{} tokens of a published tokenizer", compare(Path::new(&folder), "tokenizer"));
    }
}

/// Returns the words of a text, without special tokens and padding.
fn words(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    let encoded = tokenizer.encode(&[text]).unwrap();
    let words = encoded.rows()[0].words().iter().filter(|word| word.kind == TokenKind::Text);
    words.map(|word| word.text.clone()).collect()
}

#[test]
fn words_do_not_depend_on_the_kind_of_the_tokenizer() {
    for name in ["wordpiece", "bpe", "unigram"] {
        let tokenizer = open(name);
        let expected = ["The", "room", "was", "not", "unbearable", "."];
        assert_eq!(words(&tokenizer, "The room was not unbearable."), expected, "{name}");
        let expected = ["We", "don't", "like", "it", ",", "café", "!"];
        assert_eq!(words(&tokenizer, " We   don't like it, café!"), expected, "{name}");
        assert_eq!(words(&tokenizer, "play 😀 film"), ["play", "😀", "film"], "{name}");
        assert_eq!(words(&tokenizer, "Scho\u{308}n"), ["Scho\u{308}n"], "{name}");
    }
}

#[test]
fn a_sentencepiece_tokenizer_without_word_numbers_has_words_too() {
    // As in Llama's files: spaces become "▁" before there are words, so that all is one word.
    let mut file = json(&data("unigram.json"));
    file["pre_tokenizer"] = Value::Null;
    file["normalizer"] = serde_json::json!({"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    ]});
    let tokenizer = Tokenizer::from_json(file.to_string()).unwrap();
    let expected = ["The", "room", "was", "not", "bad", "."];
    assert_eq!(words(&tokenizer, "The room was not bad."), expected);
}

#[test]
fn texts_are_padded_and_shortened_as_the_file_says_or_as_they_are_told() {
    let device = Device::flex();
    let tokenizer = open("wordpiece");
    let texts = tokenizer.encode(&["Good film", "good"]).unwrap();
    let integers = |tensor: Tensor<2, burn::tensor::Int>| tensor.try_into_vec_as::<i64>().unwrap();
    let id = |token: &str| i64::from(tokenizer.id(token).unwrap());
    let [cls, sep, pad, mask, good, film] =
        ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "good", "film"].map(id);
    assert_eq!(integers(texts.ids(&device)), [cls, good, film, sep, cls, good, sep, pad]);
    assert_eq!(integers(texts.attention_mask(&device)), [1, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(integers(texts.type_ids(&device)), [0; 8]);
    let padding = texts.padding(&device).int();
    assert_eq!(integers(padding), [0, 0, 0, 0, 0, 0, 0, 1]);
    let without = texts.ids_without_words(tokenizer.id("[MASK]").unwrap(), &device);
    assert_eq!(integers(without), [cls, mask, mask, sep, cls, mask, sep, pad]);
    assert!(texts.rows().iter().all(|row| !row.is_cut()));

    let long = "the room was not unbearable and the film was not very good";
    let cut = tokenizer.encode(&[long]).unwrap();
    assert_eq!((cut.rows()[0].tokens().len(), cut.rows()[0].is_cut()), (12, true));
    let longer = tokenizer.clone().with_max_length(100).encode(&[long]).unwrap();
    assert_eq!((longer.rows()[0].tokens().len(), longer.rows()[0].is_cut()), (16, false));
    let fixed = tokenizer.clone().with_padding(Padding::To(6)).encode(&["good"]).unwrap();
    assert_eq!(integers(fixed.ids(&device)), [cls, good, sep, pad, pad, pad]);

    // On the left, to a multiple of four.
    let unigram = open("unigram").encode(&["was not", "the"]).unwrap();
    let row = unigram.rows()[1].tokens();
    assert_eq!(row.len() % 4, 0);
    assert_eq!((row[0].kind, row.last().unwrap().kind), (TokenKind::Padding, TokenKind::Special));
    let longest = open("unigram").with_padding(Padding::Longest).encode(&["the"]).unwrap();
    assert!(longest.rows()[0].tokens().iter().all(|token| token.kind != TokenKind::Padding));
}

#[test]
fn pairs_keep_their_texts_apart() {
    let tokenizer = open("wordpiece");
    let texts = tokenizer.encode_pairs(&[("Good room?", "The film."), ("good", "bad")]).unwrap();
    let row = &texts.rows()[0];
    let found: Vec<(&str, usize, u32)> = row
        .words()
        .iter()
        .map(|word| (&word.text[..], word.part, row.tokens()[word.tokens[0]].type_id))
        .collect();
    let expected = [
        ("[CLS]", 0, 0),
        ("Good", 0, 0),
        ("room", 0, 0),
        ("?", 0, 0),
        ("[SEP]", 0, 0),
        ("The", 1, 1),
        ("film", 1, 1),
        (".", 1, 1),
    ];
    assert_eq!(found[..8], expected);
    // Shortened, the second text still is the second.
    let long = ("the room was not bad and not good", "the film was not bad and not good");
    let cut = tokenizer.encode_pairs(&[long]).unwrap();
    let parts: Vec<usize> = cut.rows()[0].tokens().iter().map(|token| token.part).collect();
    assert_eq!((parts.len(), parts.iter().filter(|part| **part == 1).count() >= 4), (12, true));
    for word in cut.rows()[0].words().iter().filter(|word| word.kind == TokenKind::Text) {
        let text = [long.0, long.1][word.part];
        assert_eq!(text[word.range.clone()], word.text);
    }
}

#[test]
fn words_get_the_sum_of_their_tokens_and_special_tokens_their_own() {
    let device = Device::flex();
    let texts = open("wordpiece").encode(&["Not unbearable.", "bad"]).unwrap();
    // [CLS] not un ##bear ##able . [SEP]; [CLS] bad [SEP] and four of padding. Two values a token.
    let value = |at: usize| if at.is_multiple_of(2) { at as f32 } else { -1.0 };
    let values: Vec<f32> = (0..28).map(value).collect();
    let values = Tensor::<1>::from_data(&values[..], &device).reshape([2, 7, 2]);
    let explained = texts.explained(&values, TokenReduction::Sum).unwrap();
    let of = |row: usize| -> Vec<(&str, f64)> {
        explained[row].words().iter().map(|it| (&it.word.text[..], it.value)).collect()
    };
    let expected =
        [("[CLS]", -1.0), ("Not", 1.0), ("unbearable", 15.0), (".", 9.0), ("[SEP]", 11.0)];
    assert_eq!(of(0), expected);
    assert_eq!(of(1), [("[CLS]", 13.0), ("bad", 15.0), ("[SEP]", 17.0), ("[PAD]", 88.0)]);
    for text in &explained {
        let [words, tokens]: [f64; 2] =
            [text.words().iter().map(|word| word.value).sum(), text.token_values().iter().sum()];
        assert_eq!(words, tokens);
    }
    let length = texts.explained(&values, TokenReduction::Norm).unwrap();
    assert!((length[0].words()[1].value - 5f64.sqrt()).abs() < 1e-6);

    let wrong = Tensor::<3>::zeros([2, 6, 2], &device);
    let error = texts.explained(&wrong, TokenReduction::Sum).unwrap_err();
    assert!(matches!(error, Error::Shape { rows: 2, tokens: 7, found: [2, 6, 2], .. }), "{error}");
}

#[test]
fn the_pieces_spell_out_the_text() {
    let texts = ["  Very   good\n\nfilm ", "The room, not the film", "Schön 😀", "", "... \u{301}"];
    for name in ["wordpiece", "bpe", "unigram"] {
        let tokenizer = open(name);
        for text in texts {
            let Ok(encoded) = tokenizer.encode(&[text]) else {
                assert_eq!((name, text), ("bpe", ""), "no token at all");
                continue;
            };
            let [rows, tokens] = encoded.ids(&Device::flex()).dims();
            let values = Tensor::<3>::ones([rows, tokens, 1], &Device::flex());
            let explained = encoded.explained(&values, TokenReduction::Sum).unwrap().remove(0);
            let spelled = |piece: &Piece| match piece.kind {
                PieceKind::Word(_) | PieceKind::Between => piece.text.clone(),
                _ => String::new(),
            };
            let spelled: String = explained.pieces().iter().map(spelled).collect();
            // A text without words has no pieces.
            assert!(spelled == text || spelled.is_empty() && text.len() < 8, "{name}: {spelled:?}");
        }
    }
    // What was cut off is shown, without a value.
    let long = "the room was not unbearable and the film was not very good";
    let encoded = open("wordpiece").encode(&[long]).unwrap();
    let values = Tensor::<3>::ones([1, 12, 1], &Device::flex());
    let pieces = encoded.explained(&values, TokenReduction::Sum).unwrap().remove(0).pieces();
    let rest = &pieces[pieces.len() - 2];
    assert_eq!((&rest.text[..], rest.kind), (" was not very good", PieceKind::Between));
}

#[cfg(feature = "pages")]
#[test]
fn a_text_is_coloured_by_words_and_its_special_tokens_are_pale() {
    let encoded = open("wordpiece").encode(&["<b>Not unbearable</b>"]).unwrap();
    let [rows, tokens] = encoded.ids(&Device::flex()).dims();
    let values = Tensor::<3>::ones([rows, tokens, 1], &Device::flex());
    let explained = encoded.explained(&values, TokenReduction::Sum).unwrap().remove(0);
    let coloured = explained.to_tokens().unwrap();
    let html = coloured.to_html("Why?");
    assert!(html.contains(">unbearable</span>") && html.contains(">[CLS]</span>"), "{html}");
    assert!(!html.contains("<b>"), "{html}");
    assert!(coloured.to_ansi().starts_with("\x1b[2m[CLS]\x1b[0m"));
}

#[test]
fn what_is_no_tokenizer_is_named() {
    let error = Tokenizer::open("nowhere/tokenizer.json").unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Tokenizer::open(folder.path()).unwrap_err(), Error::Unreadable { .. }));
    let vocabulary = folder.path().join("vocab.txt");
    std::fs::write(&vocabulary, "[PAD]\n[UNK]\n").unwrap();
    let said = Tokenizer::open(&vocabulary).unwrap_err().to_string();
    assert!(said.contains("vocab.txt is no tokenizer that can be used: "), "{said}");
    assert!(said.contains("Give the file `tokenizer.json` of the model"), "{said}");
    for json in ["", "{}", "[]", "{\"model\": {\"type\": \"BPE\"}}", "\0\u{1}"] {
        let error = Tokenizer::from_json(json).unwrap_err();
        assert!(matches!(error, Error::NoTokenizer { .. }), "{json}: {error}");
    }
}

#[test]
fn lengths_texts_and_tokens_that_cannot_be_are_refused() {
    let tokenizer = open("wordpiece");
    let none: [&str; 0] = [];
    assert!(matches!(tokenizer.encode(&none).unwrap_err(), Error::NoTexts));
    for most in [0, 1, 2] {
        let error = tokenizer.clone().with_max_length(most).encode(&["good"]).unwrap_err();
        assert!(matches!(error, Error::Length { least: 3, .. }), "{error}");
    }
    let three = tokenizer.clone().with_max_length(3).encode(&["good film"]).unwrap();
    assert_eq!(three.rows()[0].tokens().len(), 3);
    let pairs = tokenizer.clone().with_max_length(3).encode_pairs(&[("good", "bad")]);
    assert!(matches!(pairs.unwrap_err(), Error::Length { least: 4, found: 3, .. }));
    let huge = tokenizer.clone().with_padding(Padding::To(1 << 40)).encode(&["good"]).unwrap_err();
    let said = "expected a padded length from 1 to 1048576 tokens, found 1099511627776";
    assert!(huge.to_string().starts_with(said), "{huge}");
    let mut file = json(&data("unigram.json"));
    file["padding"]["pad_to_multiple_of"] = (u64::MAX - 1).into();
    let error = Tokenizer::from_json(file.to_string()).unwrap().encode(&["good"]).unwrap_err();
    assert!(matches!(error, Error::Length { .. }), "{error}");
    // An overlap of the parts of long texts, as long as the parts.
    let mut file = json(&data("wordpiece.json"));
    file["truncation"]["stride"] = 12.into();
    let overlapping = Tokenizer::from_json(file.to_string()).unwrap();
    assert!(overlapping.encode(&["not ".repeat(40)]).is_ok());

    let bpe = open("bpe");
    assert!(matches!(bpe.encode(&["a", ""]).unwrap_err(), Error::NoTokens { row: 1, .. }));
    let error = bpe.encode(&["the room", "a"]).unwrap_err();
    assert!(matches!(error, Error::NoPadding { shortest: 1, .. }), "{error}");
    let error = bpe.clone().with_padding_token("[PAD]").unwrap_err();
    assert!(matches!(&error, Error::UnknownToken { token, .. } if token == "[PAD]"), "{error}");
    let padded = bpe.with_padding_token("<|endoftext|>").unwrap().encode(&["the room", "a"]);
    assert_eq!(padded.unwrap().rows()[1].tokens()[1].kind, TokenKind::Padding);
}

#[test]
fn a_damaged_file_is_an_error_or_a_tokenizer_and_never_a_panic() {
    // Silences the messages of panics that are caught.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = std::panic::catch_unwind(|| {
        let (mut opened, mut refused) = (0, 0);
        for name in ["wordpiece.json", "bpe.json", "unigram.json"] {
            let file = std::fs::read(data(name)).unwrap();
            for seed in 0..300u64 {
                let mut bytes = file.clone();
                let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let at = (random >> 16) as usize % bytes.len();
                match seed % 3 {
                    0 => bytes.truncate(at),
                    1 => bytes[at] = b'0' + (random >> 40) as u8 % 75,
                    _ => drop(bytes.splice(at..at + 1, *b"99")),
                }
                match Tokenizer::from_json(&bytes) {
                    Ok(tokenizer) => {
                        opened += 1;
                        let _ = tokenizer.encode(&["The room, 😀 was not unbearable", "é"]);
                        let _ = tokenizer.encode_pairs(&[("good", "")]);
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        (opened, refused)
    });
    std::panic::set_hook(before);
    let (opened, refused) = result.expect("no panic");
    assert!(opened > 50 && refused > 100, "{opened} {refused}");
}
