Feature: Queues
  Queues are created, found, changed and deleted by name.

  Scenario: A new queue has AWS's defaults
    Given a queue "orders"
    Then the queue "orders" has
      | QueueArn                      | arn:aws:sqs:us-east-1:000000000000:orders |
      | VisibilityTimeout             | 30                                        |
      | MessageRetentionPeriod        | 345600                                    |
      | MaximumMessageSize            | 1048576                                   |
      | DelaySeconds                  | 0                                         |
      | ReceiveMessageWaitTimeSeconds | 0                                         |
      | CreatedTimestamp              | 1767225600                                |
      | SqsManagedSseEnabled          | true                                      |

  Scenario: A queue's URL says its account and its name
    When I create the queue "orders"
    Then its URL ends with "/000000000000/orders"

  Scenario: Creating a queue again changes nothing
    Given a queue "orders" with
      | DelaySeconds | 5 |
    When I create the queue "orders" with
      | DelaySeconds | 5 |
    Then the call succeeds
    When I create the queue "orders" with
      | DelaySeconds | 6 |
    Then the call fails with "QueueAlreadyExists", saying
      """
      A queue already exists with the same name and a different value for attribute DelaySeconds
      """

  Scenario: Queues are listed by the beginning of their names
    Given a queue "orders-eu"
    And a queue "orders-us"
    And a queue "news"
    When I list the queues whose name begins with "orders"
    Then I see the queues "orders-eu", "orders-us"

  Scenario: Long lists come in pages
    Given a queue "a"
    And a queue "b"
    And a queue "c"
    When I list the queues 2 at a time
    Then I see the queues "a", "b", "c"

  Scenario: A deleted queue is gone
    Given a queue "orders"
    When I delete the queue "orders"
    And I send "apples" to the queue "orders"
    Then the call fails with "AWS.SimpleQueueService.NonExistentQueue", saying
      """
      The specified queue does not exist.
      """

  Scenario: Attributes can be changed
    Given a queue "orders"
    And 100 seconds have passed
    When I set on the queue "orders"
      | VisibilityTimeout      | 60   |
      | MessageRetentionPeriod | 3600 |
    Then the queue "orders" has
      | VisibilityTimeout      | 60         |
      | MessageRetentionPeriod | 3600       |
      | CreatedTimestamp       | 1767225600 |
      | LastModifiedTimestamp  | 1767225700 |

  Scenario: Attributes out of bounds are refused
    Given a queue "orders"
    When I set on the queue "orders"
      | VisibilityTimeout | 43201 |
    Then the call fails with "InvalidAttributeValue"
    When I set on the queue "orders"
      | FifoQueue | true |
    Then the call fails with "InvalidAttributeName", saying
      """
      Unknown Attribute FifoQueue.
      """

  Scenario: Messages that nobody wants are gone after four days
    Given a queue "orders"
    And "apples" was sent to the queue "orders"
    When 4 days pass
    And I receive from the queue "orders"
    Then I get nothing
    And the queue "orders" holds 0 visible, 0 in flight and 0 delayed

  Scenario: A purge empties a queue, once a minute
    Given a queue "orders"
    And "apples", "pears" were sent to the queue "orders"
    When I purge the queue "orders"
    And 1 second passes
    Then the queue "orders" holds 0 visible, 0 in flight and 0 delayed
    When I purge the queue "orders"
    Then the call fails with "AWS.SimpleQueueService.PurgeQueueInProgress", saying
      """
      Only one PurgeQueue operation on orders is allowed every 60 seconds.
      """
    When 60 seconds pass
    And I purge the queue "orders"
    Then the call succeeds

  Scenario: Tags are kept
    Given a queue "orders"
    When I tag the queue "orders" with
      | team  | fruit |
      | stage | test  |
    And I take the tag "stage" off the queue "orders"
    Then the queue "orders" is tagged
      | team | fruit |

  Scenario: Permissions become the queue's policy
    Given a queue "orders"
    When I allow the account "111122223333" to "SendMessage" on the queue "orders" as "partner"
    Then the policy of the queue "orders" is
      """
      {
        "Version": "2012-10-17",
        "Id": "arn:aws:sqs:us-east-1:000000000000:orders/SQSDefaultPolicy",
        "Statement": [
          {
            "Sid": "partner",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "SQS:SendMessage",
            "Resource": "arn:aws:sqs:us-east-1:000000000000:orders"
          }
        ]
      }
      """
    When I take back the permission "partner" on the queue "orders"
    Then the queue "orders" has no policy

  Scenario: A queue URL written down elsewhere still works
    Given a queue "orders"
    When I send "apples" to the queue "orders" by a URL of the host "sqs.us-east-1.amazonaws.com"
    And I receive from the queue "orders"
    Then I get "apples"

  Scenario: Accounts do not see each other's queues
    Given a queue "mine" in the account "111111111111"
    And a queue "yours" in the account "222222222222"
    When the account "111111111111" lists its queues
    Then I see the queue "mine"

  Scenario: Regions do not see each other's queues
    Given a queue "near" in the region "eu-central-1"
    And a queue "far" in the region "us-west-2"
    When I list the queues of the region "eu-central-1"
    Then I see the queue "near"

  Scenario: What Virga does not do yet, it says
    When I call "list_streams" of "kinesis"
    Then the HTTP status is 501
    And the call fails with "NotImplemented", saying
      """
      Virga does not implement the operation ListStreams of Kinesis yet.
      """
