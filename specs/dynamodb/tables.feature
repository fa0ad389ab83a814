Feature: Tables
  A table is made, described and deleted. It is ready at once, unless Virga was told to take its time.

  Scenario: A table is ready once it is made
    When I create a table "orders" with the key "id"
    Then the table is CREATING
    When I describe the table "orders"
    Then the table is ACTIVE
    And it has 0 items

  Scenario: There is one table of a name
    Given a table "orders" with the key "id"
    When I create a table "orders" with the key "id"
    Then the call fails with "ResourceInUseException", saying
      """
      Table already exists: orders
      """

  Scenario: A table that is deleted is gone
    Given a table "orders" with the key "id"
    And "orders" has the items
      """
      {"id": "a"}
      """
    When I delete the table "orders"
    Then the table is DELETING
    When I describe the table "orders"
    Then the call fails with "ResourceNotFoundException", saying
      """
      Requested resource not found: Table: orders not found
      """
    When I get from "orders" {"id": "a"}
    Then the call fails with "ResourceNotFoundException", saying
      """
      Requested resource not found
      """

  Scenario: A protected table stays
    Given a table "orders" with the key "id"
    When I protect the table "orders" from deletion
    And I delete the table "orders"
    Then the call fails with "ValidationException"
    When I describe the table "orders"
    Then the table is ACTIVE

  Scenario: A name has rules
    When I create a table "or" with the key "id"
    Then the call fails with "ValidationException"
