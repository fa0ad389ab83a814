//! ImportTable, DescribeImport, ListImports: a new table of what lies in a bucket.

use super::bucket::{Bucket, failure};
use super::export::new_id;
use super::{restore, table};
use crate::due::payload;
use crate::errors::validation;
use crate::features::{IMPORTS, Import, Progress};
use crate::schema::KeyKind;
use crate::state::{At, DEFINITIONS, Definition, ITEMS, StoredItem};
use crate::tables::Rows;
use crate::value::{model_shape, read_item};
use crate::write::{check_put, sized};
use crate::{change, describe, due, quota, wire};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io::Read;
use virga_base::{AwsError, Timestamp};
use virga_lang_dynamodb::{AttributeValue, Item};
use virga_service::{Ctx, Value};
use virga_shape::{FromValue, IntoValue};

/// Kind of deferred work: reading an import.
pub const IMPORT: &str = "import";

const LISTED_MAX: usize = 25;
/// Until its items are there, a table is being created.
const FAR_S: i64 = 253_402_300_799;

fn no_import(arn: &str) -> AwsError {
    AwsError::new("ImportNotFoundException", format!("Import not found: {arn}"))
}

pub async fn start(ctx: Ctx, input: wire::ImportTableInput) -> Result<wire::ImportTableOutput, AwsError> {
    let format = input.input_format.unwrap_or_default();
    let compression = input.input_compression_type.unwrap_or_else(|| "NONE".to_owned());
    if format == "ION" || compression == "ZSTD" {
        return Err(AwsError::not_implemented(
            "DynamoDB",
            "ImportTable of Ion and of what Zstandard compressed",
        ));
    }
    let now = ctx.now();
    let parameters = input.table_creation_parameters.unwrap_or_default();
    let name = parameters.table_name.clone().unwrap_or_default();
    let kept = parameters.clone().into_value(model_shape("TableCreationParameters")?);
    let create = wire::CreateTableInput {
        table_name: parameters.table_name,
        attribute_definitions: parameters.attribute_definitions,
        key_schema: parameters.key_schema,
        billing_mode: parameters.billing_mode,
        provisioned_throughput: parameters.provisioned_throughput,
        on_demand_throughput: parameters.on_demand_throughput,
        sse_specification: parameters.sse_specification,
        global_secondary_indexes: parameters.global_secondary_indexes,
        ..wire::CreateTableInput::default()
    };
    let mut definition = table::declare(&ctx, name.clone(), create, now)?;
    definition.active_at = Timestamp::from_secs(FAR_S);
    let source = input.s3_bucket_source.unwrap_or_default();
    let csv = input.input_format_options.and_then(|options| options.csv);
    let id = new_id(&ctx);
    let import = Import {
        arn: format!("{}/import/{id}", describe::table_arn(&ctx, &name)),
        progress: Progress::new(now),
        table: name,
        table_id: definition.id.clone(),
        client_token: input.client_token,
        bucket: source.s3_bucket.unwrap_or_default(),
        bucket_owner: source.s3_bucket_owner,
        prefix: source.s3_key_prefix,
        format,
        delimiter: csv.as_ref().and_then(|csv| csv.delimiter.clone()),
        header: csv.and_then(|csv| csv.header_list),
        gzip: compression == "GZIP",
        parameters: kept.to_json().to_string(),
    };
    let import = ctx
        .write(|tx| -> Result<Import, AwsError> {
            if let Some(token) = &import.client_token {
                let rows = tx.scan(&IMPORTS).rows()?;
                let mut rows = rows.into_iter().map(|(_, row)| row);
                if let Some(same) = rows.find(|row| row.client_token.as_ref() == Some(token)) {
                    return Ok(same);
                }
            }
            restore::check_target(tx, &import.table).map_err(|error| {
                if error.code == "TableAlreadyExistsException" {
                    crate::errors::in_use(error.message)
                } else {
                    error
                }
            })?;
            quota::check(&tx.reading(), &ctx, None, &definition)?;
            tx.put(&DEFINITIONS, (&import.table,), &definition)?;
            tx.put(&IMPORTS, (&id,), &import)?;
            tx.schedule(now, &due::row(&ctx, IMPORT, &(&id,)))?;
            Ok(import.clone())
        })
        .await?;
    Ok(wire::ImportTableOutput {
        import_table_description: Some(description(&ctx, &import)?),
    })
}

fn source(import: &Import) -> wire::S3BucketSource {
    wire::S3BucketSource {
        s3_bucket_owner: import.bucket_owner.clone(),
        s3_bucket: Some(import.bucket.clone()),
        s3_key_prefix: import.prefix.clone(),
    }
}

fn description(ctx: &Ctx, import: &Import) -> Result<wire::ImportTableDescription, AwsError> {
    let broken = || AwsError::internal("an import's parameters cannot be read");
    let parameters: serde_json::Value = serde_json::from_str(&import.parameters).map_err(|_| broken())?;
    let parameters = Value::from_json(model_shape("TableCreationParameters")?, &parameters).map_err(|_| broken())?;
    let progress = &import.progress;
    let whole = |number: u64| i64::try_from(number).ok().filter(|_| progress.ended.is_some());
    let is_csv = import.delimiter.is_some() || import.header.is_some();
    Ok(wire::ImportTableDescription {
        import_arn: Some(import.arn.clone()),
        import_status: Some(progress.status().to_owned()),
        table_arn: Some(describe::table_arn(ctx, &import.table)),
        table_id: Some(import.table_id.clone()),
        client_token: import.client_token.clone(),
        s3_bucket_source: Some(source(import)),
        error_count: whole(progress.errors),
        cloud_watch_log_group_arn: None,
        input_format: Some(import.format.clone()),
        input_format_options: is_csv.then(|| wire::InputFormatOptions {
            csv: Some(wire::CsvOptions {
                delimiter: import.delimiter.clone(),
                header_list: import.header.clone(),
            }),
        }),
        input_compression_type: Some(if import.gzip { "GZIP" } else { "NONE" }.to_owned()),
        table_creation_parameters: Some(wire::TableCreationParameters::from_value(parameters).map_err(|_| broken())?),
        start_time: Some(progress.started),
        end_time: progress.ended,
        processed_size_bytes: whole(progress.bytes),
        processed_item_count: whole(progress.items + progress.errors),
        imported_item_count: whole(progress.items),
        failure_code: progress.failure.as_ref().map(|(code, _)| code.clone()),
        failure_message: progress.failure.as_ref().map(|(_, message)| message.clone()),
    })
}

pub async fn describe(ctx: Ctx, input: wire::DescribeImportInput) -> Result<wire::DescribeImportOutput, AwsError> {
    let arn = input.import_arn.unwrap_or_default();
    let id = arn.rsplit_once("/import/").map(|(_, id)| id);
    let id = id.ok_or_else(|| {
        validation(format!(
            "Invalid ImportArn: Invalid ResourceArn provided as input {arn}"
        ))
    })?;
    let import = ctx.read(|tx| -> Result<Import, AwsError> {
        let found = tx.get(&IMPORTS, (id,))?.filter(|import| import.arn == arn);
        found.ok_or_else(|| no_import(&arn))
    })?;
    Ok(wire::DescribeImportOutput {
        import_table_description: Some(description(&ctx, &import)?),
    })
}

pub async fn list(ctx: Ctx, input: wire::ListImportsInput) -> Result<wire::ListImportsOutput, AwsError> {
    let limit = input
        .page_size
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(LISTED_MAX);
    let mut found = ctx.read(|tx| -> Result<Vec<(String, Import)>, AwsError> {
        let scan = tx.scan(&IMPORTS);
        let scan = match &input.next_token {
            Some(after) => scan.after((after.as_str(),)),
            None => scan,
        };
        let rows = scan.rows()?.into_iter().map(|((id,), row)| (id, row));
        let wanted = |row: &Import| {
            let own = describe::table_arn(&ctx, &row.table);
            input.table_arn.as_ref().is_none_or(|arn| own == *arn)
        };
        Ok(rows.filter(|(_, row)| wanted(row)).take(limit + 1).collect())
    })?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|(id, _)| id.clone());
    let summaries = found.into_iter().map(|(_, row)| wire::ImportSummary {
        import_status: Some(row.progress.status().to_owned()),
        table_arn: Some(describe::table_arn(&ctx, &row.table)),
        s3_bucket_source: Some(source(&row)),
        cloud_watch_log_group_arn: None,
        input_format: Some(row.format.clone()),
        start_time: Some(row.progress.started),
        end_time: row.progress.ended,
        import_arn: Some(row.arn),
    });
    Ok(wire::ListImportsOutput {
        import_summary_list: Some(summaries.collect()),
        next_token,
    })
}

/// Reads an import and fills its table, which goes again where that fails.
pub async fn run(ctx: Ctx, bytes: Vec<u8>) -> Result<(), AwsError> {
    let (id,): (String,) = payload(&bytes)?;
    let (found, table) = ctx.read(|tx| -> Result<_, AwsError> {
        let found = tx
            .get(&IMPORTS, (&id,))?
            .filter(|import| import.progress.ended.is_none());
        let table = match &found {
            Some(import) => Rows::definition(tx, &import.table)?.filter(|table| table.id == import.table_id),
            None => None,
        };
        Ok((found, table))
    })?;
    let (Some(mut import), Some(mut table)) = (found, table) else {
        return Ok(());
    };
    let items = match read(&ctx, &mut import, &table).await {
        Ok(items) => items,
        Err(error) => {
            import.progress.failure = Some(failure(&error));
            BTreeMap::new()
        }
    };
    let now = ctx.now();
    import.progress.ended = Some(now);
    table.active_at = now;
    table.updated_at = now;
    for global in table.indexes.iter_mut().filter_map(|index| index.global.as_mut()) {
        global.active_at = now;
        global.updated_at = now;
    }
    ctx.write(|tx| -> Result<(), AwsError> {
        tx.put(&IMPORTS, (&id,), &import)?;
        if import.progress.failure.is_some() {
            tx.delete(&DEFINITIONS, (&table.name,))?;
            return Ok(());
        }
        tx.put(&DEFINITIONS, (&table.name,), &table)?;
        for (spot, row) in &items {
            tx.put(&ITEMS, (table.data, At(spot)), row)?;
            for index in &table.indexes {
                change::backfill(tx, index, spot, &row.item)?;
            }
        }
        Ok(())
    })
    .await
}

/// The items of all objects, by their places.
async fn read(ctx: &Ctx, import: &mut Import, table: &Definition) -> Result<BTreeMap<Vec<u8>, StoredItem>, AwsError> {
    let bucket_name = import.bucket.clone();
    let bucket = Bucket::new(ctx, &bucket_name);
    let mut items = BTreeMap::new();
    for key in bucket.keys(import.prefix.as_deref()).await? {
        let mut bytes = bucket.get(&key).await?;
        import.progress.bytes += bytes.len() as u64;
        if import.gzip {
            let mut plain = Vec::new();
            let unpacked = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain);
            unpacked.map_err(|_| validation(format!("The object {key} is not compressed by gzip")))?;
            bytes = plain;
        }
        let text = String::from_utf8_lossy(&bytes);
        let read = match import.format.as_str() {
            "CSV" => csv(import, table, &text),
            _ => json(&text)?,
        };
        for item in read {
            match item.and_then(|item| place(table, item)) {
                Some((spot, row)) => {
                    items.insert(spot, row);
                    import.progress.items += 1;
                }
                None => import.progress.errors += 1,
            }
        }
    }
    Ok(items)
}

/// The item where it would lie; nothing where the table would not take it.
fn place(table: &Definition, item: Item) -> Option<(Vec<u8>, StoredItem)> {
    let new = sized(item).ok()?;
    let spot = check_put(table, &new.item).ok()?;
    Some((spot, new))
}

/// Items one after the other, each as `{"Item": {…}}`.
fn json(text: &str) -> Result<Vec<Option<Item>>, AwsError> {
    let attribute = model_shape("AttributeValue")?;
    let item = |json: &serde_json::Value| {
        let members = json.get("Item")?.as_object()?;
        let values = members
            .iter()
            .map(|(name, value)| Some((name.clone(), Value::from_json(attribute, value).ok()?)))
            .collect::<Option<Vec<_>>>()?;
        read_item(Value::Map(values)).ok()
    };
    let mut items = Vec::new();
    for json in serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>() {
        match json {
            Ok(json) => items.push(item(&json)),
            // What follows cannot be told apart any more.
            Err(_) => {
                items.push(None);
                break;
            }
        }
    }
    Ok(items)
}

/// Lines of fields, the first of which names them unless the import does. All but keys are texts; empty ones are left out.
fn csv(import: &Import, table: &Definition, text: &str) -> Vec<Option<Item>> {
    let delimiter = import.delimiter.as_deref().and_then(|text| text.chars().next());
    let mut lines = records(text, delimiter.unwrap_or(',')).into_iter();
    let header = match &import.header {
        Some(header) => header.clone(),
        None => lines.next().unwrap_or_default(),
    };
    let keys: BTreeMap<&str, KeyKind> = std::iter::once(&table.schema)
        .chain(table.indexes.iter().map(|index| &index.schema))
        .flat_map(|schema| schema.attributes())
        .map(|(_, attribute)| (attribute.name.as_str(), attribute.kind))
        .collect();
    let value = |name: &str, field: String| {
        Some(match keys.get(name) {
            Some(KeyKind::N) => AttributeValue::N(field.parse().ok()?),
            Some(KeyKind::B) => AttributeValue::B(field.into_bytes()),
            _ => AttributeValue::S(field),
        })
    };
    lines
        .map(|fields| {
            if fields.len() > header.len() {
                return None;
            }
            let named = header.iter().zip(fields).filter(|(_, field)| !field.is_empty());
            named
                .map(|(name, field)| Some((name.clone(), value(name, field)?)))
                .collect()
        })
        .collect()
}

/// Fields may be in double quotes, where a quote is written twice.
fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                field.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other if other == delimiter && !quoted => record.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records.retain(|record| record.iter().any(|field| !field.is_empty()));
    records
}

#[cfg(test)]
mod tests {
    use super::{json, records};

    #[test]
    fn fields_may_be_quoted() {
        let read = records("a,b\r\n\"x,\"\"y\"\"\n\",2\n\n", ',');
        assert_eq!(read, [vec!["a", "b"], vec!["x,\"y\"\n", "2"]]);
    }

    #[test]
    fn items_follow_each_other() {
        let text = "{\"Item\":{\"p\":{\"S\":\"a\"}}}\n{\"Item\":{\"p\":{\"S\":\"b\"}}}{\"Item\":{\"p\":{\"X\":\"b\"}}}\nnonsense";
        let read = json(text).expect("the model");
        let good: Vec<bool> = read.iter().map(Option::is_some).collect();
        assert_eq!(good, [true, true, false, false]);
    }
}
