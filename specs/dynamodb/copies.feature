Feature: Copies of tables
  Tables are backed up, recovered as they were, and held in several regions.

  Background:
    Given a table "orders" with the key "id"
    And "orders" has the items
      """
      {"id": "a", "n": 1}
      {"id": "b", "n": 1}
      """

  Scenario: A backup is what was there
    Given a backup "evening" of "orders"
    When I put into "orders" {"id": "a", "n": 2}
    And I restore the backup as "orders-again"
    And I scan "orders-again"
    Then I get, in any order, the items
      """
      {"id": "a", "n": 1}
      {"id": "b", "n": 1}
      """

  Scenario: A backup that is deleted cannot be restored
    Given a backup "evening" of "orders"
    When I delete the backup
    And I restore the backup as "orders-again"
    Then the call fails with "BackupNotFoundException"

  Scenario: A table is recovered as it was at a time
    Given "orders" can be recovered
    And 1 hour has passed
    When I put into "orders" {"id": "a", "n": 2}
    And I delete from "orders" {"id": "b"}
    And 1 hour passes
    And I restore "orders" as "orders-again" as it was at "2026-01-01T00:30:00Z"
    And I scan "orders-again"
    Then I get, in any order, the items
      """
      {"id": "a", "n": 1}
      {"id": "b", "n": 1}
      """

  Scenario: A table is not recovered without having said so before
    When I restore "orders" as "orders-again" as it was at "2026-01-01T00:00:00Z"
    Then the call fails with "PointInTimeRecoveryUnavailableException", saying
      """
      Point in time recovery is not enabled for table 'orders'
      """

  Scenario: Replicas hold the same items
    Given "orders" has a replica in "eu-west-1"
    When I put into "orders" in "eu-west-1" {"id": "c", "n": 3}
    And I delete from "orders" {"id": "a"}
    And 1 second passes
    And I scan "orders" in "eu-west-1"
    Then I get, in any order, the items
      """
      {"id": "b", "n": 1}
      {"id": "c", "n": 3}
      """
    When I scan "orders"
    Then I get, in any order, the items
      """
      {"id": "b", "n": 1}
      {"id": "c", "n": 3}
      """

  Scenario: A replica that is dropped is a table no more
    Given "orders" has a replica in "eu-west-1"
    When I drop the replica of "orders" in "eu-west-1"
    And I scan "orders" in "eu-west-1"
    Then the call fails with "ResourceNotFoundException"

  Scenario: A table is no replica of itself
    When I add a replica of "orders" in "us-east-1"
    Then the call fails with "ValidationException", saying
      """
      Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable
      as required.
      """

  Scenario: What is restored counts towards the account's capacity
    Given a table "readings" of 40000 units with the key "id"
    And a backup "evening" of "readings"
    When I restore the backup as "readings-again"
    Then the call succeeds
    When I restore the backup as "readings-once-more"
    Then the call fails with "LimitExceededException", saying
      """
      Subscriber limit exceeded: Requested ReadCapacityUnits for ProvisionedThroughput for table exceeds
      AccountMaxReadCapacityUnits of the account in region us-east-1
      """

  Scenario: A replica counts towards the capacity of its region
    Given tables of 40000 and 39999 units in "eu-west-1"
    And a table "readings" of 2 units with the key "id"
    When I add a replica of "readings" in "eu-west-1"
    Then the call fails with "LimitExceededException", saying
      """
      Subscriber limit exceeded: Requested ReadCapacityUnits for ProvisionedThroughput for table exceeds
      AccountMaxReadCapacityUnits of the account in region eu-west-1
      """
    When I add a replica of "orders" in "eu-west-1"
    Then the call succeeds
