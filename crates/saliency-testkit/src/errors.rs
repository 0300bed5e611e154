/// Asserts that an error is of a variant and has the given fields.
///
/// New fields may be added to error variants, so that a variant cannot be built outside its crate.
/// A test names the fields that it compares.
///
/// ```
/// use saliency_core::{Error, Stage};
/// use saliency_testkit::assert_error;
///
/// let error = Error::not_finite(Stage::Input, 3);
/// let row = 3;
/// assert_error!(error, Error::NotFinite { stage: Stage::Input, row });
/// ```
#[macro_export]
macro_rules! assert_error {
    ($error:expr, $variant:path { $($field:ident $(: $value:expr)?),* $(,)? }) => {{
        let error = $error;
        $(
            match &error {
                $variant { $field: found, .. } => {
                    assert_eq!(*found, $crate::assert_error!(@value $field $(, $value)?), "{error}");
                }
                other => panic!("expected {}, found {other:?}", stringify!($variant)),
            }
        )*
    }};
    (@value $field:ident, $value:expr) => { $value };
    (@value $field:ident) => { $field };
}
