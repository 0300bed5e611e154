//! All words of a page. Another language is another [`Words`].
//!
//! A name in braces, such as `{class}`, is the place of a value. See [`filled`].

use serde::Serialize;

/// The words of a page in one language.
#[derive(Debug)]
pub(super) struct Words {
    /// The language's tag (BCP 47), for the `lang` attribute.
    pub lang: &'static str,
    pub title: &'static str,
    /// The title of a page that has no other.
    pub untitled: &'static str,
    pub sentence: SentenceWords,
    pub test: TestWords,
    pub sure: SureWords,
    pub picture: PictureWords,
    pub controls: ControlWords,
    pub tables: TableWords,
    pub script: ScriptWords,
}

/// The sentence on top: the answer, and where the model looked.
#[derive(Debug)]
pub(super) struct SentenceWords {
    pub predicted: &'static str,
    pub asked: &'static str,
    pub unknown: &'static str,
    pub for_predicted: &'static str,
    pub for_asked: &'static str,
    pub against_predicted: &'static str,
    pub against_asked: &'static str,
    pub nothing: &'static str,
    pub half: &'static str,
    pub half_of_regions: &'static str,
    pub one_place: &'static str,
    pub places: &'static str,
    pub mostly_one_place: &'static str,
    pub mostly_places: &'static str,
    /// The numbers from 2 as words; larger ones are digits.
    pub numbers: &'static [&'static str],
    pub area: &'static str,
}

/// The result of a test of a map.
#[derive(Debug)]
pub(super) struct TestWords {
    pub confirmed: OutcomeWords,
    pub unsure: OutcomeWords,
    pub not_confirmed: OutcomeWords,
    pub untested: OutcomeWords,
    pub shown: &'static str,
    pub covered: &'static str,
    pub elsewhere: &'static str,
}

/// A result in two words, and its meaning.
#[derive(Debug)]
pub(super) struct OutcomeWords {
    pub name: &'static str,
    pub meaning: &'static str,
}

/// How sure everything is.
#[derive(Debug)]
pub(super) struct SureWords {
    pub heading: &'static str,
    pub answer: &'static str,
    pub map: &'static str,
    pub map_unknown: &'static str,
    pub test: &'static str,
}

/// The photo, and what is about it.
#[derive(Debug)]
pub(super) struct PictureWords {
    pub photo: &'static str,
    pub seen: &'static str,
    pub point: &'static str,
    pub needs_script: &'static str,
}

/// The controls.
#[derive(Debug)]
pub(super) struct ControlWords {
    pub heading: &'static str,
    pub form: &'static str,
    pub method: &'static str,
    pub class: &'static str,
    pub colors: &'static str,
    /// The colours that suit a map.
    pub suited: &'static str,
    /// The names of `ColorMap::ALL`.
    pub color_names: [&'static str; 6],
    pub regions: &'static str,
    pub over: &'static str,
    pub opacity: &'static str,
    pub threshold: &'static str,
    pub marked: &'static str,
    pub keys: &'static str,
}

/// The tables, and the text below them.
#[derive(Debug)]
pub(super) struct TableWords {
    pub marked: &'static str,
    pub place: &'static str,
    pub method: &'static str,
    pub class: &'static str,
    pub share: &'static str,
    pub area: &'static str,
    pub peak: &'static str,
    pub yes: &'static str,
    pub no: &'static str,
    pub computed: &'static str,
    pub probability: &'static str,
    pub in_words: &'static str,
    pub scale: &'static str,
    pub notes: &'static str,
    pub about_signed: &'static str,
    pub about: &'static str,
    pub caution: &'static str,
    pub about_coarse: &'static str,
}

/// The words of the script.
#[derive(Debug, Serialize)]
pub(super) struct ScriptWords {
    pub value: &'static str,
    pub total: &'static str,
    pub against: &'static str,
    #[serde(rename = "speaksFor")]
    pub speaks_for: &'static str,
    pub less: &'static str,
    pub opacity: &'static str,
    pub threshold: &'static str,
}

pub(super) const ENGLISH: Words = Words {
    lang: "en",
    title: "{title}: why?",
    untitled: "A picture",
    sentence: SentenceWords {
        predicted: "The model says {class} ({probability}).",
        asked: "The model gives {class} {probability}.",
        unknown: "This is about {class}.",
        for_predicted: "made it say so",
        for_asked: "speaks for that",
        against_predicted: "spoke against it",
        against_asked: "speaks against that",
        nothing: "Nothing in the picture {reason}.",
        half: "Half of what {reason} lies in {share} of the picture{area}.",
        half_of_regions: "Half of what {reason} lies in {cells} of {all} regions ({share} of the \
                          picture), {places}{area}.",
        one_place: "in one place",
        places: "in {count} places",
        mostly_one_place: "most of it in one place",
        mostly_places: "most of it in {count} places",
        numbers: &["two", "three", "four", "five", "six", "seven", "eight", "nine"],
        area: ": {name}",
    },
    test: TestWords {
        confirmed: OutcomeWords {
            name: "Tested: confirmed",
            meaning: "Covering other parts lowers the score less.",
        },
        unsure: OutcomeWords {
            name: "Tested: not sure",
            meaning: "It depends on what the parts are covered with.",
        },
        not_confirmed: OutcomeWords {
            name: "Tested: not confirmed",
            meaning: "Covering other parts lowers the score as much.",
        },
        untested: OutcomeWords {
            name: "Not tested",
            meaning: "Nobody asked the model again without these parts.",
        },
        shown: "As shown",
        covered: "These covered",
        elsewhere: "Others covered",
    },
    sure: SureWords {
        heading: "How sure?",
        answer: "The answer: {probability}, says the model itself.",
        map: "The map: wrong by about {error}, by estimate.",
        map_unknown: "The map: how wrong it is was not estimated.",
        test: "The test: luck does as well in {luck} of cases.",
    },
    picture: PictureWords {
        photo: "The photo {title}",
        seen: "The model saw {share}, without the dark edges.",
        point: "Point at the picture to read a value.",
        needs_script: "The map over the photo needs JavaScript, which is part of this file. The rest \
                       needs none.",
    },
    controls: ControlWords {
        heading: "Look closer",
        form: "What is shown",
        method: "Method",
        class: "Class",
        colors: "Colours of the map",
        suited: "Automatic",
        color_names: ["Inferno", "Magma", "Viridis", "Cividis", "Turbo", "Red and blue"],
        regions: "Draw lines around the regions",
        over: "Show the map over the photo in grey",
        opacity: "Opacity of the map",
        threshold: "Show only the strongest",
        marked: "Show the marked places",
        keys: "Keys, on the picture or a control: M the next method, C the next class. On the picture, \
               arrows read its values, with Shift in larger steps.",
    },
    tables: TableWords {
        marked: "Marked places",
        place: "Place",
        method: "Method",
        class: "Class",
        share: "Holds of the attribution",
        area: "Holds of what the model was shown",
        peak: "Is the strongest point inside?",
        yes: "yes",
        no: "no",
        computed: "What was computed",
        probability: "Probability",
        in_words: "In words",
        scale: "Full colour at",
        notes: "How sure",
        about_signed: "On a map in red and blue, what is red spoke for the answer and what is blue \
                       against it; otherwise a bright place is one from which much of the answer came.",
        about: "A bright place is one from which much of the answer came.",
        caution: "That is no proof that the model is right, and not the outline of a thing. A place \
                  without colour may still matter together with others.",
        about_coarse: "Maps of more than 256 pixels a side are shown here as averages of neighbouring \
                       pixels.",
    },
    script: ScriptWords {
        value: "Value {value}: {share} of {whole}, stronger than {weaker} of what the model was shown.",
        total: "the total",
        against: "what speaks against it",
        speaks_for: "what speaks for it",
        less: "less than {share}",
        opacity: "{share}",
        threshold: "{share} of what was seen",
    },
};

/// Puts values into their places in a text. A value may have braces itself: they stay.
pub(super) fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a name ends with a brace");
        let value = values.iter().find(|(of, _)| *of == name);
        filled += before;
        filled += value.expect("a value for each name").1;
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_into_their_places_and_stay_as_they_are() {
        let values = [("class", "a {class} <b>"), ("share", "5 %")];
        assert_eq!(filled("{share} of {class}.", &values), "5 % of a {class} <b>.");
        assert_eq!(filled("no value", &values), "no value");
    }
}
