//! The error that an operation answers with, before any protocol has given it a form.

use std::borrow::Cow;
use std::fmt;

/// Who is to blame, in AWS's terms: `Sender` answers 4xx, `Receiver` 5xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Sender,
    Receiver,
}

/// An error as a client shall see it.
///
/// `code` is the name of the model's error shape (`QueueDoesNotExist`) or, where the model has none for it, the bare code
/// (`MissingParameter`). The codec adds what each protocol wants: the query protocol's older code, the HTTP status that
/// the model fixes, the namespace before the `#`.
#[derive(Clone, Debug, PartialEq)]
pub struct AwsError {
    pub code: Cow<'static, str>,
    pub message: String,
    /// The HTTP status where the model says nothing; 400 unless set.
    pub status: u16,
    pub fault: Fault,
    /// Modelled members besides the message, by member name, in JSON form.
    pub details: Vec<(Cow<'static, str>, serde_json::Value)>,
    /// Headers beyond those of the protocol (S3's `Allow`, redirects).
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The error's type as JSON protocols spell it, where it differs from `namespace#code`.
    pub json_type: Option<Cow<'static, str>>,
    /// How JSON protocols call the message, where it differs from the model.
    pub json_message: Option<&'static str>,
}

impl AwsError {
    /// A client's mistake, HTTP 400.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> AwsError {
        AwsError {
            code: code.into(),
            message: message.into(),
            status: 400,
            fault: Fault::Sender,
            details: Vec::new(),
            headers: Vec::new(),
            json_type: None,
            json_message: None,
        }
    }

    /// Virga's own failure, HTTP 500. The message must not carry data of other callers.
    pub fn internal(message: impl Into<String>) -> AwsError {
        AwsError::new("InternalFailure", message).with_status(500)
    }

    /// What Virga does not do yet: HTTP 501, naming service and operation.
    pub fn not_implemented(service: &str, operation: &str) -> AwsError {
        AwsError::new(
            "NotImplemented",
            format!("Virga does not implement the operation {operation} of {service} yet."),
        )
        .with_status(501)
    }

    /// Sets the HTTP status, and the fault that goes with it.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> AwsError {
        self.status = status;
        self.fault = if status >= 500 { Fault::Receiver } else { Fault::Sender };
        self
    }

    /// Adds a modelled member.
    #[must_use]
    pub fn with_detail(
        mut self,
        member: impl Into<Cow<'static, str>>,
        value: impl Into<serde_json::Value>,
    ) -> AwsError {
        self.details.push((member.into(), value.into()));
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> AwsError {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Names the message's member for JSON protocols.
    #[must_use]
    pub fn with_json_message(mut self, name: &'static str) -> AwsError {
        self.json_message = Some(name);
        self
    }

    /// Spells the error's type for JSON protocols (`com.amazon.coral.service#...`).
    #[must_use]
    pub fn with_json_type(mut self, json_type: impl Into<Cow<'static, str>>) -> AwsError {
        self.json_type = Some(json_type.into());
        self
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for AwsError {}
