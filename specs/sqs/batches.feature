Feature: Batches
  Up to ten messages go in one call. One that fails does not take the others along.

  Background:
    Given a queue "orders"

  Scenario: All messages of a batch arrive
    When I send to the queue "orders" in one batch
      | Id | MessageBody |
      | a  | apples      |
      | b  | pears       |
    Then the entries "a", "b" succeed
    When I receive from the queue "orders"
    Then I get, in any order, "apples", "pears"

  Scenario: A bad entry fails alone
    When I send to the queue "orders" in one batch
      | Id   | MessageBody | DelaySeconds |
      | good | apples      | 0            |
      | bad  | pears       | 901          |
    Then the entries "good" succeed
    And the entry "bad" fails with "InvalidParameterValue"
    When I receive from the queue "orders"
    Then I get "apples"

  Scenario: Deleting in a batch, too, fails entry by entry
    Given "apples" was sent to the queue "orders"
    And I received from the queue "orders"
    When I delete from the queue "orders" in one batch "apples" and a receipt that is none
    Then the entries "good" succeed
    And the entry "bad" fails with "ReceiptHandleIsInvalid"

  Scenario: The entries' ids differ
    When I send to the queue "orders" in one batch
      | Id | MessageBody |
      | a  | apples      |
      | a  | pears       |
    Then the call fails with "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", saying
      """
      Id a repeated.
      """

  Scenario: More than ten entries are refused
    When I send 11 messages to the queue "orders" in one batch
    Then the call fails with "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", saying
      """
      Maximum number of entries per request are 10. You have sent 11.
      """

  Scenario: An empty batch is refused
    When I send 0 messages to the queue "orders" in one batch
    Then the call fails with "AWS.SimpleQueueService.EmptyBatchRequest"
