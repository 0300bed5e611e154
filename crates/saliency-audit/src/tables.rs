//! Writes the rows as tables, for spreadsheets and for Python.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::findings::BoxCounts;
use crate::remarks::about_photo;
use crate::row::Concern;
use crate::summary::Report;
use crate::tested::Change;

/// A row of a table. Unknown values are empty.
#[derive(Clone, Serialize)]
pub(crate) struct TableRow<'a> {
    file: &'a str,
    class: Option<i64>,
    class_name: Option<&'a str>,
    probability: Option<f64>,
    method: Option<&'a str>,
    gradients: Option<i64>,
    error_estimate: Option<f64>,
    completeness_gap: Option<f64>,
    converged: Option<bool>,
    inside: Option<f64>,
    inside_area: Option<f64>,
    peak_inside: Option<bool>,
    border: Option<f64>,
    half_area: Option<f64>,
    warnings: Option<String>,
    error: Option<&'a str>,
    boxes: Option<i64>,
    boxes_note: Option<String>,
    group: Option<&'a str>,
    cover_verdict: Option<&'static str>,
    cover_p: Option<f64>,
    cover_probability: Option<f64>,
    cover_answer: Option<String>,
    boxes_cover_verdict: Option<&'static str>,
    boxes_cover_p: Option<f64>,
    boxes_cover_probability: Option<f64>,
    boxes_cover_answer: Option<String>,
    border_cover_verdict: Option<&'static str>,
    border_cover_p: Option<f64>,
    border_cover_probability: Option<f64>,
    border_cover_answer: Option<String>,
    cover_error: Option<&'a str>,
    inside_error: Option<f64>,
    border_error: Option<f64>,
}

const SCHEMA: &str = "message audit {
    REQUIRED BYTE_ARRAY file (UTF8);
    OPTIONAL INT64 class;
    OPTIONAL BYTE_ARRAY class_name (UTF8);
    OPTIONAL DOUBLE probability;
    OPTIONAL BYTE_ARRAY method (UTF8);
    OPTIONAL INT64 gradients;
    OPTIONAL DOUBLE error_estimate;
    OPTIONAL DOUBLE completeness_gap;
    OPTIONAL BOOLEAN converged;
    OPTIONAL DOUBLE inside;
    OPTIONAL DOUBLE inside_area;
    OPTIONAL BOOLEAN peak_inside;
    OPTIONAL DOUBLE border;
    OPTIONAL DOUBLE half_area;
    OPTIONAL BYTE_ARRAY warnings (UTF8);
    OPTIONAL BYTE_ARRAY error (UTF8);
    OPTIONAL INT64 boxes;
    OPTIONAL BYTE_ARRAY boxes_note (UTF8);
    OPTIONAL BYTE_ARRAY group (UTF8);
    OPTIONAL BYTE_ARRAY cover_verdict (UTF8);
    OPTIONAL DOUBLE cover_p;
    OPTIONAL DOUBLE cover_probability;
    OPTIONAL BYTE_ARRAY cover_answer (UTF8);
    OPTIONAL BYTE_ARRAY boxes_cover_verdict (UTF8);
    OPTIONAL DOUBLE boxes_cover_p;
    OPTIONAL DOUBLE boxes_cover_probability;
    OPTIONAL BYTE_ARRAY boxes_cover_answer (UTF8);
    OPTIONAL BYTE_ARRAY border_cover_verdict (UTF8);
    OPTIONAL DOUBLE border_cover_p;
    OPTIONAL DOUBLE border_cover_probability;
    OPTIONAL BYTE_ARRAY border_cover_answer (UTF8);
    OPTIONAL BYTE_ARRAY cover_error (UTF8);
    OPTIONAL DOUBLE inside_error;
    OPTIONAL DOUBLE border_error;
}";

impl<'a> TableRow<'a> {
    /// Makes a row of the table from a row of a report, with the
    /// [concerns](crate::row::Measured::concerns) as warnings.
    pub fn new(report: &Report<'a>, at: usize) -> Self {
        let row = &report.rows[at];
        let it = row.outcome.as_ref().ok();
        let inside = it.and_then(|it| it.inside.as_ref());
        let warnings = it.map(|it| {
            let codes = it.concerns(report.expected).into_iter().map(Concern::code);
            codes.collect::<Vec<_>>().join(" ")
        });
        let covered = it.and_then(|it| it.covered());
        let [brightest, marked, border] = [
            covered.map(|it| &it.brightest),
            covered.and_then(|it| it.marked.as_ref()),
            covered.and_then(|it| it.border.as_ref()),
        ]
        .map(|verdict| verdict.map(Change::of));
        let answer = |change: Option<Change>| Some(report.classes.name(change?.after.answer));
        Self {
            file: &row.file,
            class: it.map(|it| it.class as i64),
            class_name: it.map(|it| &it.class_name[..]),
            probability: it.map(|it| it.probability),
            method: it.map(|it| &it.method[..]),
            gradients: it.map(|it| it.gradients as i64),
            error_estimate: it.and_then(|it| it.error_estimate),
            completeness_gap: it.and_then(|it| it.completeness_gap),
            converged: it.and_then(|it| it.converged),
            inside: inside.map(|inside| inside.share),
            inside_area: inside.map(|inside| inside.area),
            peak_inside: inside.map(|inside| inside.peak),
            border: it.map(|it| it.border),
            half_area: it.and_then(|it| it.half_area),
            warnings: warnings.filter(|codes| !codes.is_empty()),
            error: row.outcome.as_ref().err().map(|error| &error[..]),
            boxes: it.map(|it| it.boxes.len() as i64),
            boxes_note: it.and_then(|it| about_photo(it.placing.as_ref()?)),
            group: report.group_of(at).map(|group| group.place.in_words()),
            cover_verdict: brightest.map(|it| it.finding.name()),
            cover_p: brightest.map(|it| it.p),
            cover_probability: brightest.and_then(|it| it.after.probability),
            cover_answer: answer(brightest),
            boxes_cover_verdict: marked.map(|it| it.finding.name()),
            boxes_cover_p: marked.map(|it| it.p),
            boxes_cover_probability: marked.and_then(|it| it.after.probability),
            boxes_cover_answer: answer(marked),
            border_cover_verdict: border.map(|it| it.finding.name()),
            border_cover_p: border.map(|it| it.p),
            border_cover_probability: border.and_then(|it| it.after.probability),
            border_cover_answer: answer(border),
            cover_error: it.and_then(|it| it.tested.as_ref()?.as_ref().err()).map(|it| &it[..]),
            inside_error: inside.and_then(|inside| inside.error),
            border_error: it.and_then(|it| it.border_error),
        }
    }
}

/// Writes rows as CSV. An apostrophe is put before a name that a spreadsheet would run as a
/// formula. In Parquet, names are unchanged.
pub(crate) fn csv(rows: &[TableRow]) -> Result<Vec<u8>> {
    let write = || -> csv::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in rows {
            let (file, error) = (without_formula(row.file), row.error.map(without_formula));
            writer.serialize(TableRow { file: &file, error: error.as_deref(), ..row.clone() })?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    };
    write().map_err(|error| Error::encode("audit.csv")(error.into()))
}

fn without_formula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Writes rows as Parquet, with the counts of boxes as JSON under the key `boxes` of its metadata.
pub(crate) fn parquet(rows: &[TableRow], boxes: Option<&BoxCounts>) -> Result<Vec<u8>> {
    let write = || -> parquet::errors::Result<Vec<u8>> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let json = |it| serde_json::to_string(it).expect("counts have a form in JSON");
        let counts = boxes.map(|it| vec![KeyValue::new("boxes".to_owned(), json(it))]);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let properties = properties.set_key_value_metadata(counts).build();
        let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
        write_columns(Columns { group: file.next_row_group()?, rows })?;
        file.into_inner()
    };
    write().map_err(|error| Error::encode("audit.parquet")(error.into()))
}

/// Writes every column, in the order of the schema.
fn write_columns(mut columns: Columns) -> parquet::errors::Result<()> {
    let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    columns.write::<ByteArrayType>(|row| Some(text(row.file)))?;
    columns.write::<Int64Type>(|row| row.class)?;
    columns.write::<ByteArrayType>(|row| row.class_name.map(text))?;
    columns.write::<DoubleType>(|row| row.probability)?;
    columns.write::<ByteArrayType>(|row| row.method.map(text))?;
    columns.write::<Int64Type>(|row| row.gradients)?;
    columns.write::<DoubleType>(|row| row.error_estimate)?;
    columns.write::<DoubleType>(|row| row.completeness_gap)?;
    columns.write::<BoolType>(|row| row.converged)?;
    columns.write::<DoubleType>(|row| row.inside)?;
    columns.write::<DoubleType>(|row| row.inside_area)?;
    columns.write::<BoolType>(|row| row.peak_inside)?;
    columns.write::<DoubleType>(|row| row.border)?;
    columns.write::<DoubleType>(|row| row.half_area)?;
    columns.write::<ByteArrayType>(|row| row.warnings.as_deref().map(text))?;
    columns.write::<ByteArrayType>(|row| row.error.map(text))?;
    columns.write::<Int64Type>(|row| row.boxes)?;
    columns.write::<ByteArrayType>(|row| row.boxes_note.as_deref().map(text))?;
    columns.write::<ByteArrayType>(|row| row.group.map(text))?;
    columns.write::<ByteArrayType>(|row| row.cover_verdict.map(text))?;
    columns.write::<DoubleType>(|row| row.cover_p)?;
    columns.write::<DoubleType>(|row| row.cover_probability)?;
    columns.write::<ByteArrayType>(|row| row.cover_answer.as_deref().map(text))?;
    columns.write::<ByteArrayType>(|row| row.boxes_cover_verdict.map(text))?;
    columns.write::<DoubleType>(|row| row.boxes_cover_p)?;
    columns.write::<DoubleType>(|row| row.boxes_cover_probability)?;
    columns.write::<ByteArrayType>(|row| row.boxes_cover_answer.as_deref().map(text))?;
    columns.write::<ByteArrayType>(|row| row.border_cover_verdict.map(text))?;
    columns.write::<DoubleType>(|row| row.border_cover_p)?;
    columns.write::<DoubleType>(|row| row.border_cover_probability)?;
    columns.write::<ByteArrayType>(|row| row.border_cover_answer.as_deref().map(text))?;
    columns.write::<ByteArrayType>(|row| row.cover_error.map(text))?;
    columns.write::<DoubleType>(|row| row.inside_error)?;
    columns.write::<DoubleType>(|row| row.border_error)?;
    columns.group.close()?;
    Ok(())
}

/// The columns of a file, which must be written in the order of its schema.
struct Columns<'a, 'b> {
    group: SerializedRowGroupWriter<'b, Vec<u8>>,
    rows: &'a [TableRow<'a>],
}

impl Columns<'_, '_> {
    fn write<T: DataType>(
        &mut self,
        value: impl Fn(&TableRow) -> Option<T::T>,
    ) -> parquet::errors::Result<()> {
        let values: Vec<Option<T::T>> = self.rows.iter().map(value).collect();
        // Parquet stores separately which values are known.
        let known: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
        let values: Vec<T::T> = values.into_iter().flatten().collect();
        let mut column = self.group.next_column()?.expect("the schema has a column for each call");
        column.typed::<T>().write_batch(&values, Some(&known), None)?;
        column.close()
    }
}
