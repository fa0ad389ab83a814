Feature: Time in a world
  Every world has its own clock, and its own work to be done.

  Background:
    Given a cloud with the queue "mail" that holds "rain"

  Scenario: A fork begins at its parent's time
    Given a fork "test-1"
    Then the time in "test-1" is "2026-01-01T00:00:00.000Z"

  Scenario: Time passes in one world only
    Given in "main" "snow" was sent to "mail" with a delay of 60 seconds
    And a fork "test-1"
    When 60 seconds pass in "test-1"
    Then the time in "test-1" is "2026-01-01T00:01:00.000Z"
    And in "test-1" the queue "mail" gives "rain", "snow"
    And the time in "main" is "2026-01-01T00:00:00.000Z"
    And in "main" the queue "mail" gives "rain"

  Scenario: Who waits in a world is woken by its time
    Given a fork "test-1"
    Then in "test-1" the queue "mail" gives "rain"
    When in "test-1" I send "snow" to "mail" with a delay of 10 seconds
    And in "test-1" I wait for a message from "mail"
    And 10 seconds pass in "main"
    Then the call still waits
    When 10 seconds pass in "test-1"
    Then the waiting call gets "snow"

  Scenario: A fork's messages expire in the fork
    Given a fork "test-1"
    When 5 days pass in "test-1"
    Then in "test-1" the queue "mail" gives nothing
    And in "main" the queue "mail" gives "rain"
