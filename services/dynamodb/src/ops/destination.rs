//! Kinesis streaming destinations: kept as they are set, nothing is sent yet.

use crate::errors::validation;
use crate::features::{DESTINATIONS, Destination};
use crate::{tables, wire};
use virga_base::AwsError;
use virga_service::Ctx;

pub async fn enable(
    ctx: Ctx,
    input: wire::KinesisStreamingDestinationInput,
) -> Result<wire::KinesisStreamingDestinationOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let arn = input.stream_arn.unwrap_or_default();
    let configuration = input.enable_kinesis_streaming_configuration.unwrap_or_default();
    let precision = configuration.approximate_creation_date_time_precision.clone();
    ctx.write(|tx| -> Result<(), AwsError> {
        let table = tables::find(tx, &name)?;
        let key = (table.data, arn.as_str());
        if tx.get(&DESTINATIONS, key)?.is_some_and(|there| there.active) {
            return Err(validation(
                "Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination \
                 must be DISABLED or ENABLE_FAILED to perform ENABLE operation.",
            ));
        }
        let others = tx.scan(&DESTINATIONS).prefix((table.data,)).rows()?;
        if others.iter().filter(|(_, there)| there.active).count() >= 2 {
            return Err(validation(
                "Table is not in a valid state to enable Kinesis Streaming Destination: the table has the most \
                 destinations that are allowed",
            ));
        }
        let destination = Destination {
            active: true,
            precision: precision.clone(),
        };
        tx.put(&DESTINATIONS, key, &destination)?;
        Ok(())
    })
    .await?;
    Ok(wire::KinesisStreamingDestinationOutput {
        table_name: Some(name),
        stream_arn: Some(arn),
        destination_status: Some("ENABLING".to_owned()),
        enable_kinesis_streaming_configuration: Some(configuration),
    })
}

pub async fn disable(
    ctx: Ctx,
    input: wire::KinesisStreamingDestinationInput,
) -> Result<wire::KinesisStreamingDestinationOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let arn = input.stream_arn.unwrap_or_default();
    ctx.write(|tx| -> Result<(), AwsError> {
        let table = tables::find(tx, &name)?;
        let key = (table.data, arn.as_str());
        let Some(mut there) = tx.get(&DESTINATIONS, key)?.filter(|there| there.active) else {
            return Err(validation(
                "Table is not in a valid state to disable Kinesis Streaming Destination: KinesisStreamingDestination \
                 must be ACTIVE to perform DISABLE operation.",
            ));
        };
        there.active = false;
        tx.put(&DESTINATIONS, key, &there)?;
        Ok(())
    })
    .await?;
    Ok(wire::KinesisStreamingDestinationOutput {
        table_name: Some(name),
        stream_arn: Some(arn),
        destination_status: Some("DISABLING".to_owned()),
        enable_kinesis_streaming_configuration: None,
    })
}

pub async fn update(
    ctx: Ctx,
    input: wire::UpdateKinesisStreamingDestinationInput,
) -> Result<wire::UpdateKinesisStreamingDestinationOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let arn = input.stream_arn.unwrap_or_default();
    let configuration = input.update_kinesis_streaming_configuration.unwrap_or_default();
    let Some(precision) = configuration.approximate_creation_date_time_precision.clone() else {
        return Err(validation(
            "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot \
             be null or contain only null values",
        ));
    };
    ctx.write(|tx| -> Result<(), AwsError> {
        let table = tables::find(tx, &name)?;
        let key = (table.data, arn.as_str());
        let Some(mut there) = tx.get(&DESTINATIONS, key)?.filter(|there| there.active) else {
            return Err(validation(format!(
                "Table is not in a valid state to enable Kinesis Streaming Destination: No streaming destination with \
                 streamArn: {arn} found for table with tableName: {name}"
            )));
        };
        if there.precision.as_ref() == Some(&precision) {
            return Err(validation(format!(
                "Invalid Request: Precision is already set to the desired value of {precision} for tableId: {}, kdsArn: \
                 {arn}",
                table.id
            )));
        }
        there.precision = Some(precision.clone());
        tx.put(&DESTINATIONS, key, &there)?;
        Ok(())
    })
    .await?;
    Ok(wire::UpdateKinesisStreamingDestinationOutput {
        table_name: Some(name),
        stream_arn: Some(arn),
        destination_status: Some("UPDATING".to_owned()),
        update_kinesis_streaming_configuration: Some(configuration),
    })
}

pub async fn describe(
    ctx: Ctx,
    input: wire::DescribeKinesisStreamingDestinationInput,
) -> Result<wire::DescribeKinesisStreamingDestinationOutput, AwsError> {
    let name = tables::name(&ctx, input.table_name.as_deref())?;
    let rows = ctx.read(|tx| -> Result<Vec<(String, Destination)>, AwsError> {
        let table = tables::find(tx, &name)?;
        let rows = tx.scan(&DESTINATIONS).prefix((table.data,)).rows()?;
        Ok(rows.into_iter().map(|((_, arn), row)| (arn, row)).collect())
    })?;
    let destinations = rows.into_iter().map(|(arn, row)| wire::KinesisDataStreamDestination {
        stream_arn: Some(arn),
        destination_status: Some(if row.active { "ACTIVE" } else { "DISABLED" }.to_owned()),
        destination_status_description: None,
        approximate_creation_date_time_precision: row.precision,
    });
    Ok(wire::DescribeKinesisStreamingDestinationOutput {
        kinesis_data_stream_destinations: Some(destinations.collect()),
        table_name: Some(name),
    })
}
