Feature: Versions
  A bucket with versions keeps what is overwritten and what is deleted.

  Background:
    Given a bucket "orders" with versions

  Scenario: What was overwritten is still there
    Given "list" was put into the bucket "orders" saying "apples"
    And "list" was put into the bucket "orders" saying "pears"
    When I get "list" from the bucket "orders"
    Then I get the text "pears"
    When I get version 2 of "list" from the bucket "orders"
    Then I get the text "apples"

  Scenario: A delete marker hides an object and can be taken away
    Given "list" was put into the bucket "orders" saying "apples"
    When I delete "list" from the bucket "orders"
    Then the bucket "orders" holds nothing
    And the bucket "orders" holds 1 version and 1 delete marker
    When I get "list" from the bucket "orders"
    Then the call fails with "NoSuchKey"
    When I delete the newest version of "list" from the bucket "orders"
    And I get "list" from the bucket "orders"
    Then I get the text "apples"

  Scenario: Suspended, a bucket overwrites the version without an id
    Given "list" was put into the bucket "orders" saying "apples"
    When I suspend the versions of the bucket "orders"
    And I put "list" into the bucket "orders" saying "pears"
    And I put "list" into the bucket "orders" saying "plums"
    Then the bucket "orders" holds 2 versions and 0 delete markers
