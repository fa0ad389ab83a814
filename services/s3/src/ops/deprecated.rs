//! Lifecycle and notification configurations in their first forms. On the wire both forms are one; only callers by name
//! tell them apart.

use super::{lifecycle, notification};
use crate::wire::{
    BucketLifecycleConfiguration, CloudFunctionConfiguration, GetBucketLifecycleConfigurationRequest,
    GetBucketLifecycleOutput, GetBucketLifecycleRequest, GetBucketNotificationConfigurationRequest,
    LambdaFunctionConfiguration, LifecycleRule, NotificationConfiguration, NotificationConfigurationDeprecated,
    PutBucketLifecycleConfigurationRequest, PutBucketLifecycleRequest, PutBucketNotificationConfigurationRequest,
    PutBucketNotificationRequest, QueueConfiguration, QueueConfigurationDeprecated, Rule, TopicConfiguration,
    TopicConfigurationDeprecated,
};
use virga_base::AwsError;
use virga_service::Ctx;
use virga_shape::Unit;

pub async fn put_lifecycle(ctx: Ctx, input: PutBucketLifecycleRequest) -> Result<Unit, AwsError> {
    let rules = input.lifecycle_configuration.and_then(|given| given.rules);
    let rules = rules.map(|rules| rules.into_iter().map(new_rule).collect());
    let input = PutBucketLifecycleConfigurationRequest {
        bucket: input.bucket,
        expected_bucket_owner: input.expected_bucket_owner,
        lifecycle_configuration: Some(BucketLifecycleConfiguration { rules }),
        ..PutBucketLifecycleConfigurationRequest::default()
    };
    lifecycle::put(ctx, input).await.map(|_| Unit)
}

fn new_rule(rule: Rule) -> LifecycleRule {
    LifecycleRule {
        expiration: rule.expiration,
        id: rule.id,
        prefix: rule.prefix,
        filter: None,
        status: rule.status,
        transitions: rule.transition.map(|transition| vec![transition]),
        noncurrent_version_transitions: rule.noncurrent_version_transition.map(|transition| vec![transition]),
        noncurrent_version_expiration: rule.noncurrent_version_expiration,
        abort_incomplete_multipart_upload: rule.abort_incomplete_multipart_upload,
    }
}

pub async fn get_lifecycle(ctx: Ctx, input: GetBucketLifecycleRequest) -> Result<GetBucketLifecycleOutput, AwsError> {
    let input = GetBucketLifecycleConfigurationRequest {
        bucket: input.bucket,
        expected_bucket_owner: input.expected_bucket_owner,
    };
    let rules = lifecycle::get(ctx, input).await?.rules;
    Ok(GetBucketLifecycleOutput {
        rules: rules.map(|rules| rules.into_iter().map(old_rule).collect()),
    })
}

/// What the first form can say of a rule.
fn old_rule(rule: LifecycleRule) -> Rule {
    Rule {
        expiration: rule.expiration,
        id: rule.id,
        prefix: rule.prefix.or_else(|| rule.filter?.prefix),
        status: rule.status,
        transition: rule.transitions.into_iter().flatten().next(),
        noncurrent_version_transition: rule.noncurrent_version_transitions.into_iter().flatten().next(),
        noncurrent_version_expiration: rule.noncurrent_version_expiration,
        abort_incomplete_multipart_upload: rule.abort_incomplete_multipart_upload,
    }
}

/// The first form has a list, and before that had one.
fn events(list: Option<Vec<String>>, one: Option<String>) -> Option<Vec<String>> {
    list.or_else(|| one.map(|event| vec![event]))
}

pub async fn put_notification(ctx: Ctx, input: PutBucketNotificationRequest) -> Result<Unit, AwsError> {
    let given = input.notification_configuration.unwrap_or_default();
    let topic = given.topic_configuration.map(|topic| TopicConfiguration {
        id: topic.id,
        topic_arn: topic.topic,
        events: events(topic.events, topic.event),
        filter: None,
    });
    let queue = given.queue_configuration.map(|queue| QueueConfiguration {
        id: queue.id,
        queue_arn: queue.queue,
        events: events(queue.events, queue.event),
        filter: None,
    });
    let function = given
        .cloud_function_configuration
        .map(|function| LambdaFunctionConfiguration {
            id: function.id,
            lambda_function_arn: function.cloud_function,
            events: events(function.events, function.event),
            filter: None,
        });
    let input = PutBucketNotificationConfigurationRequest {
        bucket: input.bucket,
        expected_bucket_owner: input.expected_bucket_owner,
        notification_configuration: Some(NotificationConfiguration {
            topic_configurations: topic.map(|topic| vec![topic]),
            queue_configurations: queue.map(|queue| vec![queue]),
            lambda_function_configurations: function.map(|function| vec![function]),
            event_bridge_configuration: None,
        }),
        ..PutBucketNotificationConfigurationRequest::default()
    };
    notification::put(ctx, input).await
}

pub async fn get_notification(
    ctx: Ctx,
    input: GetBucketNotificationConfigurationRequest,
) -> Result<NotificationConfigurationDeprecated, AwsError> {
    let found = notification::get(ctx, input).await?;
    let topic = found.topic_configurations.into_iter().flatten().next();
    let queue = found.queue_configurations.into_iter().flatten().next();
    let function = found.lambda_function_configurations.into_iter().flatten().next();
    Ok(NotificationConfigurationDeprecated {
        topic_configuration: topic.map(|topic| TopicConfigurationDeprecated {
            id: topic.id,
            event: topic.events.iter().flatten().next().cloned(),
            events: topic.events,
            topic: topic.topic_arn,
        }),
        queue_configuration: queue.map(|queue| QueueConfigurationDeprecated {
            id: queue.id,
            event: queue.events.iter().flatten().next().cloned(),
            events: queue.events,
            queue: queue.queue_arn,
        }),
        cloud_function_configuration: function.map(|function| CloudFunctionConfiguration {
            id: function.id,
            event: function.events.iter().flatten().next().cloned(),
            events: function.events,
            cloud_function: function.lambda_function_arn,
            invocation_role: None,
        }),
    })
}
