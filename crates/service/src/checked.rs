//! The model's constraints, checked once for each call, whichever way it comes.

use crate::{Call, Service, Validation};
use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use virga_base::AwsError;
use virga_shape::constraints::{self, Rules};

/// A call whose input was checked. [`Service::check`] makes it; [`Cloud::run`](crate::Cloud::run) takes nothing else.
///
/// The call is behind a pointer because the chain hands it on several times.
pub struct Checked(Box<Call>);

impl Deref for Checked {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.0
    }
}

/// For stations and plug-ins, whose changes are their own affair: they are not checked again.
impl DerefMut for Checked {
    fn deref_mut(&mut self) -> &mut Call {
        &mut self.0
    }
}

impl Checked {
    pub(crate) fn into_call(self) -> Call {
        *self.0
    }
}

impl Service {
    /// Checks what the model demands of a call's input, in the service's words.
    ///
    /// # Errors
    /// One error that names every constraint that does not hold; never any where the service checks for itself.
    pub fn check(&self, call: Call) -> Result<Checked, AwsError> {
        if let (Validation::Standard(code), Some(id)) = (self.validation, call.operation.input) {
            let rules = Rules {
                code: Cow::Borrowed(code),
                // IAM's messages tell the member alone.
                values_shown: self.name != "iam",
                ..Rules::default()
            };
            constraints::check_with(call.model.shape_ref(id), &call.input, &rules)?;
        }
        Ok(Checked(Box::new(call)))
    }
}
