Feature: Reads that lag behind
  Virga's reads see the last write, unless it was told to let them lag as AWS's may. They lag by the clock, so that tests can
  wait for it.

  Background:
    Given a Virga with the settings
      """
      [dynamodb]
      read_lag_ms = 1000
      """
    And a table "orders" with the key "id"

  Scenario: An eventually consistent read sees a write later
    When I put into "orders" {"id": "a", "n": 1}
    And I scan "orders"
    Then I get no items
    When I get from "orders" {"id": "a"}
    Then I get the item {"id": "a", "n": 1}
    When 1 second passes
    And I scan "orders"
    Then I get the items
      """
      {"id": "a", "n": 1}
      """

  Scenario: Until then it sees what was
    Given "orders" has the items
      """
      {"id": "a", "n": 1}
      """
    And 1 minute has passed
    When I delete from "orders" {"id": "a"}
    And I scan "orders"
    Then I get the items
      """
      {"id": "a", "n": 1}
      """

  Scenario: Transactions see the present
    When I put into "orders" {"id": "a", "n": 1}
    And I write to "orders" in one transaction
      | ConditionCheck | {"id": "a"} | attribute_exists(id) |
    Then the call succeeds
