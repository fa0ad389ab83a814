//! PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.

use crate::errors::{self, validation};
use crate::features::{POLICIES, Policy};
use crate::state::STREAMS;
use crate::tables::Rows;
use crate::wire;
use virga_base::{Arn, AwsError};
use virga_service::{Ctx, ReadTx, Tx};

/// What `ExpectedRevisionId` says where there must be no policy.
const NO_POLICY: &str = "NO_POLICY";
const POLICY_MAX_BYTES: usize = 20 * 1024;

/// A table or a stream.
struct Resource {
    arn: String,
    table: String,
    stream: Option<String>,
}

fn resource(ctx: &Ctx, given: Option<String>) -> Result<Resource, AwsError> {
    let text = given.unwrap_or_default();
    if !text.starts_with("arn:") {
        return Err(errors::parameter(format!("ARNs must start with 'arn:': {text}")));
    }
    let bad = || {
        validation(format!(
            "Invalid ResourceArn: Invalid ResourceArn provided as input {text}"
        ))
    };
    let arn = Arn::parse(&text).map_err(|_| bad())?;
    let parts: Vec<&str> = arn.resource.split('/').collect();
    let (table, stream) = match parts.as_slice() {
        ["table", table] => (*table, None),
        ["table", table, "stream", label] => (*table, Some((*label).to_owned())),
        _ => return Err(bad()),
    };
    if arn.account != ctx.account().to_string() || arn.region != ctx.region().as_str() {
        return Err(errors::no_table(table));
    }
    Ok(Resource {
        table: table.to_owned(),
        stream,
        arn: text,
    })
}

impl Resource {
    fn check(&self, table: bool, stream: bool) -> Result<(), AwsError> {
        if self.stream.is_some() && !stream {
            return Err(AwsError::new(
                "ResourceNotFoundException",
                format!("Requested resource not found: Stream: {} not found", self.arn),
            ));
        }
        if self.stream.is_none() && !table {
            return Err(errors::no_table(&self.table));
        }
        Ok(())
    }

    fn check_write(&self, tx: &Tx<'_>) -> Result<(), AwsError> {
        let stream = match &self.stream {
            Some(label) => tx.get(&STREAMS, (self.table.as_str(), label.as_str()))?.is_some(),
            None => false,
        };
        self.check(tx.definition(&self.table)?.is_some(), stream)
    }

    fn check_read(&self, tx: &ReadTx<'_>) -> Result<(), AwsError> {
        let stream = match &self.stream {
            Some(label) => tx.get(&STREAMS, (self.table.as_str(), label.as_str()))?.is_some(),
            None => false,
        };
        self.check(tx.definition(&self.table)?.is_some(), stream)
    }

    fn no_policy(&self) -> AwsError {
        AwsError::new(
            "PolicyNotFoundException",
            format!(
                "Resource-based policy not found for the provided ResourceArn: {}",
                self.arn
            ),
        )
    }

    /// Fails where another revision is there than the caller knows.
    fn check_revision(&self, expected: Option<&str>, policy: Option<&Policy>) -> Result<(), AwsError> {
        let told = |text: String| {
            Err(AwsError::new(
                "PolicyNotFoundException",
                format!("Resource-based policy not found for the provided ResourceArn: {text}"),
            ))
        };
        match (expected, policy) {
            (None, _) | (Some(NO_POLICY), None) => Ok(()),
            (Some(expected), Some(policy)) if policy.revision.to_string() == expected => Ok(()),
            (Some(expected), Some(policy)) => told(format!(
                "Requested update for policy with revision id {expected}, but the policy associated to target table {} \
                 has revision id {}.",
                self.table, policy.revision
            )),
            (Some(expected), None) => told(format!(
                "Requested update for policy with revision id {expected}, but there is no policy associated to target \
                 table {}.",
                self.table
            )),
        }
    }
}

pub async fn put(ctx: Ctx, input: wire::PutResourcePolicyInput) -> Result<wire::PutResourcePolicyOutput, AwsError> {
    let resource = resource(&ctx, input.resource_arn)?;
    let text = input.policy.unwrap_or_default();
    if text.len() > POLICY_MAX_BYTES {
        return Err(AwsError::new(
            "LimitExceededException",
            "The resource-based policy is larger than the limit of 20 KB",
        ));
    }
    let is_document = serde_json::from_str::<serde_json::Value>(&text)
        .is_ok_and(|document| document.get("Statement").is_some_and(|statement| !statement.is_null()));
    if !is_document {
        return Err(validation(
            "Resource-based policy is invalid: the policy is not a valid JSON document with statements",
        ));
    }
    let (now, expected) = (ctx.now(), input.expected_revision_id.as_deref());
    let revision = ctx
        .write(|tx| -> Result<i64, AwsError> {
            resource.check_write(tx)?;
            let before = tx.get(&POLICIES, (&resource.arn,))?;
            resource.check_revision(expected, before.as_ref())?;
            if let Some(before) = before.as_ref().filter(|before| before.text == text) {
                return Ok(before.revision);
            }
            let least = before.map_or(0, |before| before.revision + 1);
            let policy = Policy {
                text: text.clone(),
                revision: now.as_millis().max(least),
            };
            tx.put(&POLICIES, (&resource.arn,), &policy)?;
            Ok(policy.revision)
        })
        .await?;
    Ok(wire::PutResourcePolicyOutput {
        revision_id: Some(revision.to_string()),
    })
}

pub async fn get(ctx: Ctx, input: wire::GetResourcePolicyInput) -> Result<wire::GetResourcePolicyOutput, AwsError> {
    let resource = resource(&ctx, input.resource_arn)?;
    let policy = ctx.read(|tx| -> Result<Policy, AwsError> {
        resource.check_read(tx)?;
        tx.get(&POLICIES, (&resource.arn,))?.ok_or_else(|| resource.no_policy())
    })?;
    Ok(wire::GetResourcePolicyOutput {
        policy: Some(policy.text),
        revision_id: Some(policy.revision.to_string()),
    })
}

pub async fn delete(
    ctx: Ctx,
    input: wire::DeleteResourcePolicyInput,
) -> Result<wire::DeleteResourcePolicyOutput, AwsError> {
    let resource = resource(&ctx, input.resource_arn)?;
    let expected = input.expected_revision_id.as_deref();
    let revision = ctx
        .write(|tx| -> Result<Option<i64>, AwsError> {
            resource.check_write(tx)?;
            let before = tx.get(&POLICIES, (&resource.arn,))?;
            resource.check_revision(expected, before.as_ref())?;
            tx.delete(&POLICIES, (&resource.arn,))?;
            Ok(before.map(|before| before.revision))
        })
        .await?;
    Ok(wire::DeleteResourcePolicyOutput {
        revision_id: revision.map(|revision| revision.to_string()),
    })
}
