//! The rows as tables for spreadsheets and for Python.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde::Serialize;

use super::Result;
use super::row::{Concern, Row};

/// A row of a table; what is not known is empty.
#[derive(Clone, Serialize)]
pub struct Line<'a> {
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
}";

impl<'a> Line<'a> {
    /// A row, with warnings where the boxes hold less than the [expected](Measured::concerns) share.
    pub fn new(row: &'a Row, expected: Option<f64>) -> Self {
        let it = row.outcome.as_ref().ok();
        let inside = it.and_then(|it| it.inside.as_ref());
        let warnings = it.map(|it| {
            let codes = it.concerns(expected).into_iter().map(Concern::code);
            codes.collect::<Vec<_>>().join(" ")
        });
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
        }
    }
}

/// The lines as CSV. A name that a spreadsheet would run as a formula begins with an apostrophe.
pub fn csv(lines: &[Line]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let text = |text: &str| match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    for line in lines {
        let (file, error) = (text(line.file), line.error.map(text));
        writer.serialize(Line { file: &file, error: error.as_deref(), ..line.clone() })?;
    }
    Ok(writer.into_inner().map_err(|error| error.to_string())?)
}

/// The lines as Parquet.
pub fn parquet(lines: &[Line]) -> Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    write_columns(Columns { group: file.next_row_group()?, lines })?;
    Ok(file.into_inner()?)
}

fn write_columns(mut columns: Columns) -> Result<()> {
    let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    columns.write::<ByteArrayType>(|line| Some(text(line.file)))?;
    columns.write::<Int64Type>(|line| line.class)?;
    columns.write::<ByteArrayType>(|line| line.class_name.map(text))?;
    columns.write::<DoubleType>(|line| line.probability)?;
    columns.write::<ByteArrayType>(|line| line.method.map(text))?;
    columns.write::<Int64Type>(|line| line.gradients)?;
    columns.write::<DoubleType>(|line| line.error_estimate)?;
    columns.write::<DoubleType>(|line| line.completeness_gap)?;
    columns.write::<BoolType>(|line| line.converged)?;
    columns.write::<DoubleType>(|line| line.inside)?;
    columns.write::<DoubleType>(|line| line.inside_area)?;
    columns.write::<BoolType>(|line| line.peak_inside)?;
    columns.write::<DoubleType>(|line| line.border)?;
    columns.write::<DoubleType>(|line| line.half_area)?;
    columns.write::<ByteArrayType>(|line| line.warnings.as_deref().map(text))?;
    columns.write::<ByteArrayType>(|line| line.error.map(text))?;
    columns.group.close()?;
    Ok(())
}

/// The columns of a file, which are written in the order of its schema.
struct Columns<'a, 'b> {
    group: SerializedRowGroupWriter<'b, Vec<u8>>,
    lines: &'a [Line<'a>],
}

impl Columns<'_, '_> {
    fn write<T: DataType>(&mut self, value: impl Fn(&Line) -> Option<T::T>) -> Result<()> {
        let values: Vec<Option<T::T>> = self.lines.iter().map(value).collect();
        let known: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
        let values: Vec<T::T> = values.into_iter().flatten().collect();
        let mut column = self.group.next_column()?.ok_or("expected a column, found none")?;
        column.typed::<T>().write_batch(&values, Some(&known), None)?;
        Ok(column.close()?)
    }
}
