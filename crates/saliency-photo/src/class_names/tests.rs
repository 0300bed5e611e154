use super::*;

fn names(text: &str) -> Vec<String> {
    ClassNames::parse(text).unwrap().names
}

#[test]
fn names_are_read_from_a_file_with_one_per_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("classes.txt");
    fs::write(&path, "\u{feff}mug\r\n\r\nshirt\n").unwrap();
    let classes = ClassNames::read(&path).unwrap();
    assert_eq!(
        [0, 1, 2, 3].map(|class| classes.name(class)),
        ["mug", "class 1", "shirt", "class 3"]
    );
    assert_eq!((classes.len(), classes.get(1)), (3, None));
    fs::write(&path, b"\xe9\n").unwrap();
    let error = ClassNames::read(&path).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read class names from ") && error.contains("UTF-8"),
        "{error}"
    );
}

#[test]
fn every_form_of_names_is_read() {
    let cat_and_dog = ["cat", "the dog's bed"];
    for text in [
        "cat\nthe dog's bed",
        r#"["cat", "the dog's bed"]"#,
        r#"{"0": "cat", "1": "the dog's bed"}"#,
        r#"{"1": "the dog's bed", "0": "cat"}"#,
        r#"{"cat": 0, "the dog's bed": 1}"#,
        r#"{"0": ["n02123045", "cat"], "1": ["n02123046", "the dog's bed"]}"#,
        r#"{"hidden_size": 768, "id2label": {"0": "cat", "1": "the dog's bed"}, "label2id": {}}"#,
        r#"{"architecture": "x", "label_names": ["cat", "the dog's bed"]}"#,
        r#"{"label2id": {"cat": 0, "the dog's bed": 1}}"#,
        r#"{0: 'cat', 1: "the dog's bed"}"#,
        r"{1: 'the dog\'s bed', 0: 'cat'}",
        r#"{'0': 'cat', '1': "the dog\x27s bed",}"#,
        r#"['cat', "the dog's bed"]"#,
        "\u{feff} {0: 'cat',\n 1: \"the dog's bed\"}\n",
    ] {
        assert_eq!(names(text), cat_and_dog, "{text}");
    }
    // Gaps are classes without a name, and names of other languages stay.
    assert_eq!(names("{2: 'Käse', 0: '\\u732b'}"), ["猫", "", "Käse"]);
    assert_eq!(names(r#"{"3": "x", "1": null}"#), ["", "", "", "x"]);
}

#[test]
fn names_that_cannot_be_read_are_an_error_that_says_why() {
    for (text, words) in [
        ("", "it has no names"),
        ("\n\n", "it has no names"),
        ("{}", "it has no names"),
        ("{0: 'cat'", "neither"),
        ("{0: 'cat' 1: 'dog'}", "neither"),
        ("{0: 'cat', 0: 'dog'}", "neither"),
        ("{99999999999999: 'cat'}", "neither"),
        ("{0: cat}", "neither"),
        ("['a\\q']", "neither"),
        (r#"{"99999999": "cat"}"#, "it has the index 99999999; at most 1000000 is read"),
        (r#"{"0": "cat", "00": "dog"}"#, "it has two names for class 0"),
        (r#"{"cat": 0, "dog": 0}"#, "it has two names for class 0"),
        (r#"{"cat": 0, "dog": "x"}"#, "which is no index"),
        (r#"{"0": {"a": 1}}"#, "in the place of a name"),
        (r#"{"id2label": 3}"#, "neither a list of names nor a map"),
        (r#"{"cat": -1}"#, "which is no index"),
    ] {
        let error = ClassNames::parse(text).unwrap_err();
        assert!(matches!(error, Error::ClassNames { .. }));
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
    let error = ClassNames::read("no/such/file").unwrap_err().to_string();
    assert!(error.starts_with("cannot read class names from no"), "{error}");
}

#[test]
fn a_class_is_found_by_name_and_by_index() {
    let classes = ClassNames::new(["cardigan", "Cardigan", "", "7", "Siamese cat"]);
    assert_eq!(classes.find("Cardigan"), Ok(1));
    assert_eq!(classes.find("CARDIGAN"), Ok(0));
    assert_eq!(classes.find(" siamese cat "), Ok(4));
    assert_eq!(classes.find("2"), Ok(2));
    // A name is taken before an index.
    assert_eq!(classes.find("7"), Ok(3));
    let error = classes.find("5").unwrap_err();
    assert_eq!(error.to_string(), "expected a class from 0 to 4, found 5");
    let error = classes.find("cat").unwrap_err().to_string();
    let words = "expected the name of a class, found \"cat\"; the nearest are \"Siamese cat\"";
    assert!(error.starts_with(words), "{error}");
    assert!(matches!(classes.find(""), Err(UnknownClass::Name { .. })));
    assert!(matches!(classes.find("-1"), Err(UnknownClass::Name { .. })));
    // Without names there are only indices.
    let none = ClassNames::default();
    assert_eq!(none.find("12"), Ok(12));
    let error = none.find("cat").unwrap_err().to_string();
    assert!(error.ends_with("the classes have no names, so give an index"), "{error}");
}

#[test]
fn a_broken_text_gives_names_or_an_error() {
    for text in [
        "{0: 'Käse', 1: \"the dog\\'s \\u732b\", }",
        r#"{"id2label": {"0": "cat", "1": ["n1", "dog"]}}"#,
        "['a', 'b\\x41']",
        "\u{feff}mug\r\n\r\nKäse",
    ] {
        let signs: Vec<char> = text.chars().collect();
        for at in 0..=signs.len() {
            let cut: String = signs[..at].iter().collect();
            let _ = ClassNames::parse(&cut);
            for sign in ['{', ']', '\'', '"', '\\', ':', ',', '9', 'ä', '\n', '\0'] {
                let rest: String = signs[at..].iter().skip(1).collect();
                let _ = ClassNames::parse(&format!("{cut}{sign}{rest}"));
                let _ = ClassNames::parse(&format!("{cut}{sign}{}", &text[cut.len()..]));
            }
        }
    }
}
