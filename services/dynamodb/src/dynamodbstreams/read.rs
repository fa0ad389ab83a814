//! ListStreams, DescribeStream, GetShardIterator, GetRecords.

use super::iterator::{Iterator, sequence, sequence_text, shard_id};
use super::wire;
use crate::errors::validation;
use crate::expire::RECORDS_KEPT_S;
use crate::state::{Change, RECORDS, STREAMS, Stream, StreamRecord};
use std::collections::BTreeMap;
use virga_base::{Arn, AwsError, Timestamp};
use virga_lang_dynamodb::{AttributeValue, stored};
use virga_service::{Ctx, ReadTx};

const LISTED_MAX: usize = 100;
const RECORDS_MAX: usize = 1000;
/// The greatest size of what GetRecords answers.
const PAGE_MAX_BYTES: usize = 1024 * 1024;
/// How long an iterator is good.
const ITERATOR_S: i64 = 900;

/// Table and label of a stream's ARN.
struct Name {
    table: String,
    label: String,
}

fn name(ctx: &Ctx, arn: Option<&str>) -> Result<Name, AwsError> {
    let text = arn.unwrap_or_default();
    let bad = || validation("Invalid StreamArn: Invalid ResourceArn provided as input");
    let arn = Arn::parse(text).map_err(|_| bad())?;
    let mut parts = arn.resource.split('/');
    let (Some("table"), Some(table), Some("stream"), Some(label), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad());
    };
    if arn.account != ctx.account().to_string() || arn.region != ctx.region().as_str() {
        return Err(no_stream(text));
    }
    Ok(Name {
        table: table.to_owned(),
        label: label.to_owned(),
    })
}

fn no_stream(arn: &str) -> AwsError {
    AwsError::new(
        "ResourceNotFoundException",
        format!("Requested resource not found: Stream: {arn} not found"),
    )
}

fn arn(ctx: &Ctx, table: &str, label: &str) -> String {
    let mut arn = ctx.arn(&format!("table/{table}/stream/{label}"));
    "dynamodb".clone_into(&mut arn.service);
    arn.to_string()
}

/// Whether a stream can still be read.
fn is_there(stream: &Stream, now: Timestamp) -> bool {
    stream.ended.is_none_or(|ended| now < ended.plus_secs(RECORDS_KEPT_S))
}

fn find(tx: &ReadTx<'_>, name: &Name, given: &str, now: Timestamp) -> Result<Stream, AwsError> {
    let stream = tx.get(&STREAMS, (name.table.as_str(), name.label.as_str()))?;
    stream
        .filter(|stream| is_there(stream, now))
        .ok_or_else(|| no_stream(given))
}

fn limit(given: Option<i32>, greatest: usize) -> usize {
    given
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(greatest)
        .min(greatest)
}

pub async fn list(ctx: Ctx, input: wire::ListStreamsInput) -> Result<wire::ListStreamsOutput, AwsError> {
    let limit = limit(input.limit, LISTED_MAX);
    let after = input
        .exclusive_start_stream_arn
        .as_deref()
        .map(|arn| name(&ctx, Some(arn)))
        .transpose()?;
    let table = match input.table_name.as_deref() {
        Some(given) => Some(crate::tables::name(&ctx, Some(given))?),
        None => None,
    };
    let now = ctx.now();
    let mut found = ctx.read(|tx| -> Result<Vec<(String, String)>, AwsError> {
        let scan = tx.scan(&STREAMS);
        let scan = match &table {
            Some(table) => scan.prefix((table.as_str(),)),
            None => scan,
        };
        let scan = match &after {
            Some(after) => scan.after((after.table.as_str(), after.label.as_str())),
            None => scan,
        };
        let rows = scan.rows()?;
        Ok(rows
            .into_iter()
            .filter(|(_, stream)| is_there(stream, now))
            .map(|(key, _)| key)
            .take(limit + 1)
            .collect())
    })?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    Ok(wire::ListStreamsOutput {
        last_evaluated_stream_arn: last.map(|(table, label)| arn(&ctx, table, label)),
        streams: Some(
            found
                .iter()
                .map(|(table, label)| wire::Stream {
                    stream_arn: Some(arn(&ctx, table, label)),
                    table_name: Some(table.clone()),
                    stream_label: Some(label.clone()),
                })
                .collect(),
        ),
    })
}

pub async fn describe(ctx: Ctx, input: wire::DescribeStreamInput) -> Result<wire::DescribeStreamOutput, AwsError> {
    let given = input.stream_arn.clone().unwrap_or_default();
    let name = name(&ctx, Some(&given))?;
    let now = ctx.now();
    let stream = ctx.read(|tx| find(tx, &name, &given, now))?;
    if let Some(filter) = &input.shard_filter
        && (filter.type_.is_none() || filter.shard_id.is_none())
    {
        return Err(validation("Invalid ShardFilter: Type and ShardId must be specified"));
    }
    let shard = shard_id(&stream);
    let after = input.exclusive_start_shard_id.as_deref();
    // A shard's children are asked for: there are none.
    let hidden = input.shard_filter.is_some() || after.is_some_and(|after| after >= shard.as_str());
    let shards = if hidden {
        Vec::new()
    } else {
        vec![wire::Shard {
            shard_id: Some(shard),
            sequence_number_range: Some(wire::SequenceNumberRange {
                starting_sequence_number: Some(sequence_text(0)),
                ending_sequence_number: stream.ended.map(|_| sequence_text(stream.sequence)),
            }),
            parent_shard_id: None,
        }]
    };
    let element = |name: &str, kind: &str| wire::KeySchemaElement {
        attribute_name: Some(name.to_owned()),
        key_type: Some(kind.to_owned()),
    };
    let schema = &stream.schema;
    let keys = schema.partition.iter().map(|key| element(&key.name, "HASH"));
    let keys = keys.chain(schema.sort.iter().map(|key| element(&key.name, "RANGE")));
    Ok(wire::DescribeStreamOutput {
        stream_description: Some(wire::StreamDescription {
            stream_arn: Some(given),
            stream_label: Some(name.label),
            stream_status: Some(if stream.ended.is_some() { "DISABLED" } else { "ENABLED" }.to_owned()),
            stream_view_type: Some(stream.view.name().to_owned()),
            creation_request_date_time: Some(stream.created),
            table_name: Some(name.table),
            key_schema: Some(keys.collect()),
            shards: Some(shards),
            last_evaluated_shard_id: None,
        }),
    })
}

pub async fn get_iterator(
    ctx: Ctx,
    input: wire::GetShardIteratorInput,
) -> Result<wire::GetShardIteratorOutput, AwsError> {
    let given = input.stream_arn.clone().unwrap_or_default();
    let name = name(&ctx, Some(&given))?;
    let now = ctx.now();
    let kind = input.shard_iterator_type.as_deref().unwrap_or_default();
    let by_number = matches!(kind, "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER");
    let number = match (by_number, input.sequence_number.as_deref()) {
        (true, None) => {
            return Err(validation(
                "Invalid parameter: SequenceNumber must be specified for the ShardIteratorType",
            ));
        }
        (false, Some(_)) => {
            return Err(validation(
                "Invalid parameter: SequenceNumber must not be specified for the ShardIteratorType",
            ));
        }
        (true, Some(text)) => Some(sequence(text).ok_or_else(|| validation("Invalid SequenceNumber"))?),
        (false, None) => None,
    };
    let (stream, oldest) = ctx.read(|tx| -> Result<_, AwsError> {
        let stream = find(tx, &name, &given, now)?;
        let oldest = oldest(tx, &stream, now)?;
        Ok((stream, oldest))
    })?;
    let shard = input.shard_id.as_deref().unwrap_or_default();
    if shard != shard_id(&stream) {
        return Err(AwsError::new(
            "ResourceNotFoundException",
            format!("Requested resource not found: Shard does not exist: {shard}"),
        ));
    }
    let next = match (kind, number) {
        ("LATEST", _) => stream.sequence + 1,
        ("AFTER_SEQUENCE_NUMBER", Some(number)) => number.saturating_add(1),
        (_, Some(number)) => number.max(1),
        _ => oldest,
    };
    if number.is_some_and(|number| number > 0) && next < oldest {
        return Err(trimmed());
    }
    let iterator = Iterator {
        stream_arn: given,
        next,
        issued: now,
    };
    Ok(wire::GetShardIteratorOutput {
        shard_iterator: Some(iterator.text()),
    })
}

fn trimmed() -> AwsError {
    AwsError::new(
        "TrimmedDataAccessException",
        "The operation attempted to read past the oldest stream record in a shard. In DynamoDB Streams, there is a 24 \
         hour limit on data retention. Stream records whose age exceeds this limit are subject to removal (trimming) \
         from the stream.",
    )
}

/// The first record that is young enough to be read, or where the next one will be.
fn oldest(tx: &ReadTx<'_>, stream: &Stream, now: Timestamp) -> Result<u64, AwsError> {
    let after = now.plus_secs(-RECORDS_KEPT_S);
    let mut found = None;
    tx.scan(&RECORDS).prefix((stream.id,)).each(|(_, sequence), row| {
        if row.at > after {
            found = Some(sequence);
            return std::ops::ControlFlow::Break(());
        }
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(found.unwrap_or(stream.sequence + 1))
}

pub async fn get_records(ctx: Ctx, input: wire::GetRecordsInput) -> Result<wire::GetRecordsOutput, AwsError> {
    let text = input.shard_iterator.unwrap_or_default();
    let bad = || validation("Invalid ShardIterator");
    let iterator = Iterator::parse(&text).ok_or_else(bad)?;
    let name = name(&ctx, Some(&iterator.stream_arn)).map_err(|_| bad())?;
    let now = ctx.now();
    if now >= iterator.issued.plus_secs(ITERATOR_S) {
        return Err(AwsError::new(
            "ExpiredIteratorException",
            format!(
                "Iterator expired. The iterator was created at time {} while right now it is {} which is further in \
                 the future than the tolerated delay of {} milliseconds.",
                iterator.issued.to_iso8601(),
                now.to_iso8601(),
                ITERATOR_S * 1000
            ),
        ));
    }
    let limit = limit(input.limit, RECORDS_MAX);
    let (stream, rows) = ctx.read(|tx| -> Result<(Stream, Vec<(u64, StreamRecord)>), AwsError> {
        let stream = find(tx, &name, &iterator.stream_arn, now)?;
        let from = iterator.next.max(oldest(tx, &stream, now)?);
        let mut bytes = 0;
        let mut rows = Vec::new();
        tx.scan(&RECORDS)
            .prefix((stream.id,))
            .from((stream.id, from))
            .limit(limit)
            .each(|(_, sequence), row| {
                bytes += row.bytes();
                if bytes > PAGE_MAX_BYTES && !rows.is_empty() {
                    return std::ops::ControlFlow::Break(());
                }
                rows.push((sequence, row));
                std::ops::ControlFlow::Continue(())
            })?;
        Ok((stream, rows))
    })?;
    let next = rows.last().map_or(iterator.next, |(sequence, _)| sequence + 1);
    let at_end = stream.ended.is_some() && next > stream.sequence;
    let region = ctx.region().as_str();
    let records = rows
        .into_iter()
        .map(|(sequence, row)| record(region, &stream, sequence, row))
        .collect();
    let next = Iterator {
        next,
        issued: now,
        ..iterator
    };
    Ok(wire::GetRecordsOutput {
        records: Some(records),
        next_shard_iterator: (!at_end).then(|| next.text()),
    })
}

impl StreamRecord {
    fn bytes(&self) -> usize {
        let size = |item: &Option<Vec<u8>>| item.as_ref().map_or(0, Vec::len);
        self.keys.len() + size(&self.old) + size(&self.new)
    }
}

fn record(region: &str, stream: &Stream, sequence: u64, row: StreamRecord) -> wire::Record {
    let mut size = 0;
    let mut image = |bytes: &[u8]| -> Option<BTreeMap<String, wire::AttributeValue>> {
        let (bytes, item) = stored::decode_item(bytes)?;
        size += bytes;
        Some(item.into_iter().map(|(name, value)| (name, typed(value))).collect())
    };
    let keys = image(&row.keys);
    let new_image = row.new.as_deref().and_then(&mut image);
    let old_image = row.old.as_deref().and_then(&mut image);
    let name = match row.change {
        Change::Insert => "INSERT",
        Change::Modify => "MODIFY",
        Change::Remove => "REMOVE",
    };
    wire::Record {
        event_id: Some(event_id(stream, sequence)),
        event_name: Some(name.to_owned()),
        event_version: Some("1.1".to_owned()),
        event_source: Some("aws:dynamodb".to_owned()),
        aws_region: Some(region.to_owned()),
        dynamodb: Some(wire::StreamRecord {
            // Told in whole seconds.
            approximate_creation_date_time: Some(Timestamp::from_secs(row.at.as_secs())),
            keys,
            new_image,
            old_image,
            sequence_number: Some(sequence_text(sequence)),
            size_bytes: i64::try_from(size).ok(),
            stream_view_type: Some(stream.view.name().to_owned()),
        }),
        user_identity: row.by_service.then(|| wire::Identity {
            principal_id: Some("dynamodb.amazonaws.com".to_owned()),
            type_: Some("Service".to_owned()),
        }),
    }
}

/// 32 digits that no other record of any stream has, always the same for this one.
fn event_id(stream: &Stream, sequence: u64) -> String {
    // The finishing step of SplitMix64 spreads neighbours and is one to one.
    let mix = |mut number: u64| {
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    };
    format!(
        "{:016x}{:016x}",
        mix(stream.id ^ stream.shard),
        mix(sequence ^ stream.id)
    )
}

fn typed(value: AttributeValue) -> wire::AttributeValue {
    let mut typed = wire::AttributeValue::default();
    match value {
        AttributeValue::S(text) => typed.s = Some(text),
        AttributeValue::N(number) => typed.n = Some(number.to_string()),
        AttributeValue::B(bytes) => typed.b = Some(bytes.into()),
        AttributeValue::Ss(set) => typed.ss = Some(set),
        AttributeValue::Ns(set) => typed.ns = Some(set.iter().map(ToString::to_string).collect()),
        AttributeValue::Bs(set) => typed.bs = Some(set.into_iter().map(Into::into).collect()),
        AttributeValue::M(map) => {
            typed.m = Some(
                map.into_iter()
                    .map(|(name, value)| (name, self::typed(value)))
                    .collect(),
            );
        }
        AttributeValue::L(list) => typed.l = Some(list.into_iter().map(self::typed).collect()),
        AttributeValue::Null => typed.null = Some(true),
        AttributeValue::Bool(flag) => typed.bool = Some(flag),
    }
    typed
}
