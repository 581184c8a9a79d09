//! Traces as JSONL and CSV.

use std::{
    error, fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Ended, Entry, Trace};

/// The bytes of one line: a call takes less than a hundred.
const LONGEST_LINE: usize = 4096;

/// Ten years: more is no time since the start of a recording, but one since 1970.
const LONGEST: Duration = Duration::from_secs(315_360_000);

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What a line must hold.
const EXPECTED: &str = "`at` in seconds, `outcome` one of success, failure, overloaded, alive, \
    ignored, cancelled and refused, and `took` in seconds unless it was refused";

/// One line of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceLine {
    #[serde(serialize_with = "write_seconds", deserialize_with = "read_at")]
    at: Duration,
    #[serde(
        default,
        serialize_with = "write_optional",
        deserialize_with = "read_took"
    )]
    took: Option<Duration>,
    outcome: TraceOutcome,
}

fn write_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[allow(clippy::ref_option, reason = "serde gives the field like this")]
fn write_optional<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

// Here rather than afterwards, since the reader knows the column.
fn read_at<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let value = f64::deserialize(deserializer)?;
    seconds("at", value).map_err(D::Error::custom)
}

fn read_took<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let value = Option::<f64>::deserialize(deserializer)?;
    let took = value.map(|value| seconds("took", value)).transpose();
    took.map_err(D::Error::custom)
}

fn seconds(field: &str, value: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(value)
        .ok()
        .filter(|time| *time <= LONGEST)
        .ok_or_else(|| {
            format!(
                "`{field}` is {value}, and must be seconds since the start of the recording, \
                 from 0 to {}",
                LONGEST.as_secs()
            )
        })
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TraceOutcome {
    Success,
    Failure,
    Overloaded,
    Alive,
    Ignored,
    Cancelled,
    Refused,
}

impl From<&Entry> for TraceLine {
    fn from(entry: &Entry) -> Self {
        let outcome = match entry.ended.map(|(_, ended)| ended) {
            None => TraceOutcome::Refused,
            Some(Ended::Success) => TraceOutcome::Success,
            Some(Ended::Failure) => TraceOutcome::Failure,
            Some(Ended::Overloaded) => TraceOutcome::Overloaded,
            Some(Ended::Alive) => TraceOutcome::Alive,
            Some(Ended::Ignored) => TraceOutcome::Ignored,
            Some(Ended::Cancelled) => TraceOutcome::Cancelled,
        };
        Self {
            at: entry.at,
            took: entry.ended.map(|(took, _)| took),
            outcome,
        }
    }
}

impl TryFrom<TraceLine> for Entry {
    type Error = &'static str;

    fn try_from(line: TraceLine) -> Result<Self, &'static str> {
        let ended = match line.outcome {
            TraceOutcome::Refused if line.took.is_some() => {
                return Err("a call that was refused has no `took`");
            }
            TraceOutcome::Refused => return Ok(Self::refused(line.at)),
            TraceOutcome::Success => Ended::Success,
            TraceOutcome::Failure => Ended::Failure,
            TraceOutcome::Overloaded => Ended::Overloaded,
            TraceOutcome::Alive => Ended::Alive,
            TraceOutcome::Ignored => Ended::Ignored,
            TraceOutcome::Cancelled => Ended::Cancelled,
        };
        let took = line.took.ok_or("a call that ran needs `took`")?;
        Ok(Self::ran(line.at, took, ended))
    }
}

/// Why a trace could not be read: the file, the line and the column, what is wrong, and
/// what was expected.
#[derive(Debug)]
pub struct TraceError {
    file: String,
    line: Option<u64>,
    column: Option<u64>,
    message: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl TraceError {
    /// Returns the number of the line, from 1, if it is a line's fault.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// Returns the column in that line, from 1, if it is known: of JSONL the byte that was
    /// read last, of CSV the field.
    #[must_use]
    pub fn column(&self) -> Option<u64> {
        self.column
    }

    fn new(message: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            line: None,
            column: None,
            message: message.into(),
            source: None,
        }
    }

    fn at_line(line: u64, column: Option<u64>, message: impl fmt::Display) -> Self {
        Self {
            line: Some(line),
            column,
            ..Self::new(format!("{message}; expected {EXPECTED}"))
        }
    }

    fn too_long(line: u64) -> Self {
        Self::at_line(line, None, format!("longer than {LONGEST_LINE} bytes"))
    }

    fn io(line: Option<u64>, error: io::Error) -> Self {
        Self {
            line,
            ..Self::new(error.to_string())
        }
        .caused_by(error)
    }

    fn caused_by(mut self, error: io::Error) -> Self {
        self.source = Some(error.into());
        self
    }

    /// Names the field of a call that a record does not hold.
    fn in_csv(error: csv::Error, line: u64, header: &csv::StringRecord) -> Self {
        let line = error.position().map_or(line, csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(error) => match error.get_ref().map(|inner| inner.downcast_ref()) {
                Some(Some(LineTooLong(line))) => Self::too_long(*line),
                _ => Self::io(Some(line), error),
            },
            csv::ErrorKind::Deserialize { err, .. } => {
                let field = err.field();
                let name = field.and_then(|field| header.get(usize::try_from(field).ok()?));
                let message = match name {
                    Some(name) => format!("`{name}`: {}", err.kind()),
                    None => err.kind().to_string(),
                };
                Self::at_line(line, field.map(|field| field + 1), message)
            }
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => Self::at_line(
                line,
                None,
                format!("the header has {expected_len} fields, and this line {len}"),
            ),
            csv::ErrorKind::Utf8 { err, .. } => Self::at_line(
                line,
                Some(err.field() as u64 + 1),
                "bytes that are no UTF-8",
            ),
            other => Self::at_line(line, None, format!("{other:?}")),
        }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = match self.file.as_str() {
            "" => "the trace",
            file => file,
        };
        write!(f, "{file}")?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl error::Error for TraceError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Trace {
    /// Reads a file: CSV if its name ends in `.csv`, else JSONL.
    ///
    /// # Errors
    ///
    /// [`TraceError`] if it can't be opened, or with the first line that is no call, or
    /// if it holds more than [`MOST_CALLS`](Self::MOST_CALLS).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        let path = path.as_ref();
        let is_csv = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        File::open(path)
            .map_err(|error| TraceError::io(None, error))
            .and_then(|file| {
                if is_csv {
                    Self::from_csv(file)
                } else {
                    Self::from_jsonl(BufReader::new(file))
                }
            })
            .map_err(|error| TraceError {
                file: path.display().to_string(),
                ..error
            })
    }

    /// Reads one JSON object a line: `{"at": 0.25, "took": 0.012, "outcome":
    /// "success"}`, without `took` for `"outcome": "refused"`. Times are seconds;
    /// empty lines are skipped.
    ///
    /// ```
    /// use fluxgate::sim::Trace;
    ///
    /// let lines = r#"
    /// {"at": 0.0, "took": 0.012, "outcome": "success"}
    /// {"at": 0.5, "took": 1.0, "outcome": "failure"}
    /// {"at": 0.7, "outcome": "refused"}
    /// "#;
    /// let trace = Trace::from_jsonl(lines.as_bytes())?;
    /// assert_eq!(trace.entries().len(), 3);
    ///
    /// let error = Trace::from_jsonl(r#"{"at": -1, "outcome": "refused"}"#.as_bytes());
    /// assert!(error.unwrap_err().to_string().starts_with("the trace, line 1, column 9: `at` is -1,"));
    /// # Ok::<_, fluxgate::sim::TraceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_jsonl(mut reader: impl BufRead) -> Result<Self, TraceError> {
        let mut entries = Vec::new();
        let mut text = Vec::new();
        let mut line = 0;
        loop {
            line += 1;
            text.clear();
            let read = reader
                .by_ref()
                .take(LONGEST_LINE as u64 + 1)
                .read_until(b'\n', &mut text)
                .map_err(|error| TraceError::io(Some(line), error))?;
            if read == 0 {
                return Ok(Self::new(entries));
            }
            if read > LONGEST_LINE {
                return Err(TraceError::too_long(line));
            }
            // As some editors begin a file.
            if line == 1 && text.starts_with(BYTE_ORDER_MARK) {
                text.drain(..BYTE_ORDER_MARK.len());
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let parsed: TraceLine = serde_json::from_slice(&text).map_err(|error| {
                // The error's own line is always 1.
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or(&message);
                TraceError::at_line(line, Some(error.column() as u64), message)
            })?;
            push(&mut entries, parsed, line)?;
        }
    }

    /// Reads CSV with the header `at,took,outcome`, in any order; `took` is empty for
    /// `refused`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_csv(reader: impl Read) -> Result<Self, TraceError> {
        let mut entries = Vec::new();
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(BoundedLines::new(reader));
        let header = reader.headers().cloned();
        let header = header.map_err(|error| TraceError::in_csv(error, 1, &<_>::default()))?;
        check_header(&header)?;
        let mut records = reader.deserialize();
        loop {
            let line = records.reader().position().line();
            let Some(record) = records.next() else {
                return Ok(Self::new(entries));
            };
            let parsed: TraceLine =
                record.map_err(|error| TraceError::in_csv(error, line, &header))?;
            push(&mut entries, parsed, line)?;
        }
    }

    /// Writes one JSON object a line, as [`from_jsonl`](Self::from_jsonl) reads them.
    ///
    /// # Errors
    ///
    /// That of the writer.
    pub fn write_jsonl(&self, mut writer: impl Write) -> io::Result<()> {
        for entry in &self.entries {
            serde_json::to_writer(&mut writer, &TraceLine::from(entry))?;
            writer.write_all(b"\n")?;
        }
        writer.flush()
    }

    /// Writes CSV, as [`from_csv`](Self::from_csv) reads it.
    ///
    /// # Errors
    ///
    /// That of the writer.
    pub fn write_csv(&self, writer: impl Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(writer);
        if self.entries.is_empty() {
            writer.write_record(["at", "took", "outcome"])?;
        }
        for entry in &self.entries {
            writer.serialize(TraceLine::from(entry))?;
        }
        writer.flush()
    }
}

fn push(entries: &mut Vec<Entry>, line: TraceLine, number: u64) -> Result<(), TraceError> {
    if entries.len() == Trace::MOST_CALLS {
        return Err(TraceError::new(format!(
            "more than {} calls",
            Trace::MOST_CALLS
        )));
    }
    let entry =
        Entry::try_from(line).map_err(|message| TraceError::at_line(number, None, message))?;
    entries.push(entry);
    Ok(())
}

/// Refuses a header that leaves `at` or `outcome` out, or that has a column which is no
/// part of a call.
fn check_header(header: &csv::StringRecord) -> Result<(), TraceError> {
    // A file without a line has no calls.
    if header.is_empty() {
        return Ok(());
    }
    for (place, name) in header.iter().enumerate() {
        let is_known = ["at", "took", "outcome"].contains(&name);
        let is_second = header.iter().take(place).any(|earlier| earlier == name);
        if !is_known || is_second {
            let what = if is_known {
                "stands twice"
            } else {
                "is no column"
            };
            let message = format!("`{name}` {what} of a trace, whose header is at,took,outcome");
            return Err(TraceError::at_line(1, Some(place as u64 + 1), message));
        }
    }
    match ["at", "outcome"]
        .iter()
        .find(|name| !header.iter().any(|given| given == **name))
    {
        Some(name) => Err(TraceError::at_line(
            1,
            None,
            format!("no `{name}` in the header, which is at,took,outcome"),
        )),
        None => Ok(()),
    }
}

/// Fails at a line that is too long, before it is in memory.
struct BoundedLines<R> {
    inner: R,
    line: u64,
    length: usize,
    is_quoted: bool,
}

impl<R> BoundedLines<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            line: 1,
            length: 0,
            is_quoted: false,
        }
    }
}

impl<R: Read> Read for BoundedLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for byte in &buffer[..read] {
            self.length += 1;
            match byte {
                b'"' => self.is_quoted = !self.is_quoted,
                // In quotes a record goes on in the next line.
                b'\n' if self.is_quoted => self.line += 1,
                b'\n' => {
                    self.line += 1;
                    self.length = 0;
                }
                _ => {}
            }
            if self.length > LONGEST_LINE {
                return Err(io::Error::other(LineTooLong(self.line)));
            }
        }
        Ok(read)
    }
}

/// The number of a line that is too long.
#[derive(Debug)]
struct LineTooLong(u64);

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is longer than {LONGEST_LINE} bytes", self.0)
    }
}

impl error::Error for LineTooLong {}
