//! Inventory, metrics, analytics and intelligent tiering: many of each, told page by page.

use crate::access::{self, Wanted};
use crate::config::lists::{self, Listed, Page};
use crate::config::{self, wanted};
use crate::reply::{Reply, no_content, replying};
use crate::wire::{
    AnalyticsConfiguration, DeleteBucketAnalyticsConfigurationRequest,
    DeleteBucketIntelligentTieringConfigurationRequest, DeleteBucketInventoryConfigurationRequest,
    DeleteBucketMetricsConfigurationRequest, GetBucketAnalyticsConfigurationOutput,
    GetBucketAnalyticsConfigurationRequest, GetBucketIntelligentTieringConfigurationOutput,
    GetBucketIntelligentTieringConfigurationRequest, GetBucketInventoryConfigurationOutput,
    GetBucketInventoryConfigurationRequest, GetBucketMetricsConfigurationOutput, GetBucketMetricsConfigurationRequest,
    IntelligentTieringConfiguration, InventoryConfiguration, ListBucketAnalyticsConfigurationsOutput,
    ListBucketAnalyticsConfigurationsRequest, ListBucketIntelligentTieringConfigurationsOutput,
    ListBucketIntelligentTieringConfigurationsRequest, ListBucketInventoryConfigurationsOutput,
    ListBucketInventoryConfigurationsRequest, ListBucketMetricsConfigurationsOutput,
    ListBucketMetricsConfigurationsRequest, MetricsConfiguration, PutBucketAnalyticsConfigurationRequest,
    PutBucketIntelligentTieringConfigurationRequest, PutBucketInventoryConfigurationRequest,
    PutBucketMetricsConfigurationRequest,
};
use crate::{errors, wire};
use virga_base::AwsError;
use virga_service::{Ctx, Fidelity, Service};
use virga_shape::Unit;

async fn put<T: Listed>(
    ctx: &Ctx,
    wanted: Wanted<'_>,
    id: Option<&str>,
    given: Option<T>,
) -> Result<Reply<Unit>, AwsError> {
    let open = access::open(ctx, wanted).await?;
    let id = id.unwrap_or_default();
    let given = given.ok_or_else(errors::malformed_xml)?;
    lists::check(&given, id)?;
    let bytes = config::write(given)?;
    open.home
        .write(|tx| {
            let bucket = open.again(tx)?;
            lists::put(tx, &bucket, T::KIND, id, &bytes)
        })
        .await?;
    Ok(no_content())
}

async fn get<T: Listed>(ctx: &Ctx, wanted: Wanted<'_>, id: Option<&str>) -> Result<T, AwsError> {
    let open = access::open(ctx, wanted).await?;
    let id = id.unwrap_or_default();
    let found = open.home.read(|tx| config::get_of(tx, &open.bucket, T::KIND, id))?;
    found.ok_or_else(config::no_such_configuration)
}

async fn delete<T: Listed>(ctx: &Ctx, wanted: Wanted<'_>, id: Option<&str>) -> Result<Unit, AwsError> {
    let open = access::open(ctx, wanted).await?;
    if config::delete(&open, T::KIND, id.unwrap_or_default()).await? {
        Ok(Unit)
    } else {
        Err(config::no_such_configuration())
    }
}

async fn list<T: Listed>(ctx: &Ctx, wanted: Wanted<'_>, token: Option<&str>) -> Result<Page<T>, AwsError> {
    let open = access::open(ctx, wanted).await?;
    open.home.read(|tx| lists::page(tx, &open.bucket, token))
}

/// The list as answers tell it: left out where it is empty.
fn told<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

/// Registers the four operations of one kind.
macro_rules! kind {
    (
        $service:expr, $type:ident, $member:ident, $list:ident, [$get_action:literal, $put_action:literal],
        [$put:ident, $get:ident, $delete:ident, $all:ident],
        [$put_request:ident, $get_request:ident, $get_output:ident, $delete_request:ident, $all_request:ident, $all_output:ident]
    ) => {
        $service
            .register(
                wire::$put.name,
                Fidelity::Stored,
                replying(async |ctx, input: $put_request| {
                    let wanted = wanted!(input, $put_action);
                    put::<$type>(&ctx, wanted, input.id.as_deref(), input.$member).await
                }),
            )
            .on(wire::$get, async |ctx, input: $get_request| {
                let wanted = wanted!(input, $get_action);
                let found = get::<$type>(&ctx, wanted, input.id.as_deref()).await?;
                Ok($get_output { $member: Some(found) })
            })
            .on(wire::$delete, async |ctx, input: $delete_request| {
                let wanted = wanted!(input, $put_action);
                delete::<$type>(&ctx, wanted, input.id.as_deref()).await
            })
            .on(wire::$all, async |ctx, input: $all_request| {
                let wanted = wanted!(input, $get_action);
                let page = list::<$type>(&ctx, wanted, input.continuation_token.as_deref()).await?;
                Ok($all_output {
                    is_truncated: Some(page.next.is_some()),
                    continuation_token: input.continuation_token,
                    next_continuation_token: page.next,
                    $list: told(page.items),
                })
            })
    };
}

pub fn register(service: Service) -> Service {
    let service = kind!(
        service,
        AnalyticsConfiguration,
        analytics_configuration,
        analytics_configuration_list,
        ["GetAnalyticsConfiguration", "PutAnalyticsConfiguration"],
        [
            PUT_BUCKET_ANALYTICS_CONFIGURATION,
            GET_BUCKET_ANALYTICS_CONFIGURATION,
            DELETE_BUCKET_ANALYTICS_CONFIGURATION,
            LIST_BUCKET_ANALYTICS_CONFIGURATIONS
        ],
        [
            PutBucketAnalyticsConfigurationRequest,
            GetBucketAnalyticsConfigurationRequest,
            GetBucketAnalyticsConfigurationOutput,
            DeleteBucketAnalyticsConfigurationRequest,
            ListBucketAnalyticsConfigurationsRequest,
            ListBucketAnalyticsConfigurationsOutput
        ]
    );
    let service = kind!(
        service,
        InventoryConfiguration,
        inventory_configuration,
        inventory_configuration_list,
        ["GetInventoryConfiguration", "PutInventoryConfiguration"],
        [
            PUT_BUCKET_INVENTORY_CONFIGURATION,
            GET_BUCKET_INVENTORY_CONFIGURATION,
            DELETE_BUCKET_INVENTORY_CONFIGURATION,
            LIST_BUCKET_INVENTORY_CONFIGURATIONS
        ],
        [
            PutBucketInventoryConfigurationRequest,
            GetBucketInventoryConfigurationRequest,
            GetBucketInventoryConfigurationOutput,
            DeleteBucketInventoryConfigurationRequest,
            ListBucketInventoryConfigurationsRequest,
            ListBucketInventoryConfigurationsOutput
        ]
    );
    let service = kind!(
        service,
        MetricsConfiguration,
        metrics_configuration,
        metrics_configuration_list,
        ["GetMetricsConfiguration", "PutMetricsConfiguration"],
        [
            PUT_BUCKET_METRICS_CONFIGURATION,
            GET_BUCKET_METRICS_CONFIGURATION,
            DELETE_BUCKET_METRICS_CONFIGURATION,
            LIST_BUCKET_METRICS_CONFIGURATIONS
        ],
        [
            PutBucketMetricsConfigurationRequest,
            GetBucketMetricsConfigurationRequest,
            GetBucketMetricsConfigurationOutput,
            DeleteBucketMetricsConfigurationRequest,
            ListBucketMetricsConfigurationsRequest,
            ListBucketMetricsConfigurationsOutput
        ]
    );
    kind!(
        service,
        IntelligentTieringConfiguration,
        intelligent_tiering_configuration,
        intelligent_tiering_configuration_list,
        [
            "GetIntelligentTieringConfiguration",
            "PutIntelligentTieringConfiguration"
        ],
        [
            PUT_BUCKET_INTELLIGENT_TIERING_CONFIGURATION,
            GET_BUCKET_INTELLIGENT_TIERING_CONFIGURATION,
            DELETE_BUCKET_INTELLIGENT_TIERING_CONFIGURATION,
            LIST_BUCKET_INTELLIGENT_TIERING_CONFIGURATIONS
        ],
        [
            PutBucketIntelligentTieringConfigurationRequest,
            GetBucketIntelligentTieringConfigurationRequest,
            GetBucketIntelligentTieringConfigurationOutput,
            DeleteBucketIntelligentTieringConfigurationRequest,
            ListBucketIntelligentTieringConfigurationsRequest,
            ListBucketIntelligentTieringConfigurationsOutput
        ]
    )
}
