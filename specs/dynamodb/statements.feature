Feature: Statements of PartiQL
  Items are read and written in SQL's words, one table and, when writing, one item at a time.

  Background:
    Given a table "orders" with the key "id" and "at" (N)
    And "orders" has the items
      """
      {"id": "a", "at": 1, "n": 5}
      {"id": "a", "at": 2, "n": 6, "to": {"city": "Oslo"}}
      {"id": "b", "at": 1, "n": 7}
      """

  Scenario: A part of a partition is read backwards
    When I execute
      """
      SELECT "at", n FROM orders WHERE id = 'a' AND "at" < 5 ORDER BY "at" DESC
      """
    Then I get the items
      """
      {"at": 2, "n": 6}
      {"at": 1, "n": 5}
      """

  Scenario: Parameters take the places of question marks
    When I execute with the parameters ["b", 7]
      """
      SELECT * FROM orders WHERE id = ? AND n = ?
      """
    Then I get the items
      """
      {"id": "b", "at": 1, "n": 7}
      """

  Scenario: Parameters that are missing are told
    When I execute with the parameters ["b"]
      """
      SELECT * FROM orders WHERE id = ? AND n = ?
      """
    Then the call fails with "ValidationException", saying
      """
      Number of parameters in request and statement don't match.
      """

  Scenario: An item is inserted once
    When I execute
      """
      INSERT INTO orders VALUE {'id': 'c', 'at': 1, 'tags': <<'new'>>, 'lines': [{'sku': 'x'}]}
      """
    Then I get no items
    When I execute
      """
      INSERT INTO orders VALUE {'id': 'c', 'at': 1}
      """
    Then the call fails with "DuplicateItemException", saying
      """
      Duplicate primary key exists in table
      """

  Scenario: An update shows what it has made
    When I execute
      """
      UPDATE orders SET n = n + 1 REMOVE "to".city WHERE id = 'a' AND "at" = 2 RETURNING ALL NEW *
      """
    Then I get the items
      """
      {"id": "a", "at": 2, "n": 7, "to": {}}
      """

  Scenario: An update makes no item
    When I execute
      """
      UPDATE orders SET n = 1 WHERE id = 'none' AND "at" = 1
      """
    Then the call fails with "ConditionalCheckFailedException"

  Scenario: A write names one item by its whole key
    When I execute
      """
      DELETE FROM orders WHERE id = 'a'
      """
    Then the call fails with "ValidationException", saying
      """
      Where clause does not contain a mandatory equality on all key attributes
      """

  Scenario: What cannot be read is refused
    When I execute
      """
      SELECT * FROM orders WHERE id = 'a' nonsense
      """
    Then the call fails with "ValidationException", saying
      """
      Statement wasn't well formed, can't be processed: Unexpected token after expression
      """

  Scenario: In a batch, each statement is answered by itself
    When I execute in one batch
      """
      INSERT INTO orders VALUE {'id': 'c', 'at': 1}
      INSERT INTO orders VALUE {'id': 'a', 'at': 1}
      DELETE FROM orders WHERE id = 'b' AND "at" = 1
      """
    Then the statements answer "good, DuplicateItem, good"

  Scenario: In a transaction, all is done or nothing
    When I execute in one transaction
      """
      UPDATE orders SET n = 0 WHERE id = 'a' AND "at" = 1
      EXISTS(SELECT * FROM orders WHERE id = 'b' AND "at" = 1 AND n = 8)
      """
    Then the transaction is cancelled for "None, ConditionalCheckFailed"
    When I get from "orders" {"id": "a", "at": 1}
    Then I get the item {"id": "a", "at": 1, "n": 5}
