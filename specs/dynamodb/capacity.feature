Feature: Capacity that runs out
  Virga refuses nothing for want of capacity, unless it was told to. Then provisioned units come back by the clock, and what is
  not used is kept for five minutes.

  Background:
    Given a Virga with the settings
      """
      [dynamodb]
      throttle = true
      """
    And a table "orders" of 2 units with the key "id"

  Scenario: A table takes no more than it has units
    Given "orders" has the items
      """
      {"id": "a"}
      {"id": "b"}
      """
    When I put into "orders" {"id": "c"}
    Then the call fails with "ProvisionedThroughputExceededException", saying
      """
      The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level
      with the UpdateTable API.
      """
    When 1 second passes
    And I put into "orders" {"id": "c"}
    Then the call succeeds

  Scenario: Reads and writes have units of their own
    Given "orders" has the items
      """
      {"id": "a"}
      {"id": "b"}
      """
    When I get from "orders" {"id": "b"}
    Then I get the item {"id": "b"}

  Scenario: What is not used is kept for a while
    Given 2 minutes have passed
    When I put 100 items into "orders" one by one
    Then the call succeeds

  Scenario: A batch leaves what there are no units for
    When I put 5 items into "orders" in one batch
    Then 3 of them are not processed

  Scenario: A failed condition costs a unit, too
    Given "orders" has the items
      """
      {"id": "a"}
      """
    When I put into "orders" {"id": "a"} with
      | ConditionExpression | attribute_not_exists(id) |
    Then the call fails with "ConditionalCheckFailedException"
    When I put into "orders" {"id": "b"}
    Then the call fails with "ProvisionedThroughputExceededException"

  Scenario: One partition key bears a thousand units written in a second, however much its table has
    Given a table "readings" with the key "sensor" and "number" (N)
    And "readings" has just been given 4 items of 300 KiB with the key {"sensor": "a"}
    When I put into "readings" {"sensor": "a", "number": 4}
    Then the call fails with "ThrottlingException", saying
      """
      Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so
      please try again shortly. If exceptions persist, check if you have a hot key:
      https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
      """
    When I put into "readings" {"sensor": "b", "number": 4}
    Then the call succeeds
    When 1 second passes
    And I put into "readings" {"sensor": "a", "number": 4}
    Then the call succeeds
