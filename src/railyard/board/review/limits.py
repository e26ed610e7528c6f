"""What one caller can ask for: the caps, which `/health` lists."""

from pydantic import BaseModel, Field

# rows of a page: what is asked beyond is cut to it, as the reference's server does
MOST_RUNS = 500
MOST_STEPS = 1000
MOST_DISAGREEMENTS = 1000
MOST_HITS = 1000
MOST_EXPORTED = 1_000_000
MOST_SERIES = 16  # metrics of one answer
MOST_REQUESTS = 64  # answered at one time; others are asked to come again
MOST_BODY = 1 << 16  # bytes
MOST_TEXT = 4096  # characters of a parameter
MOST_GAMES = 2000  # of each move of a rollout
MOST_OPEN = 8  # sessions with their maps
MOST_VIEWS = 1000
ANALYSIS_SECONDS = 10.0
WAIT_SECONDS = 10.0  # for what is made once; then the caller is asked to come again


class Limits(BaseModel):
    """The caps of this server."""

    runs_page: int = Field(MOST_RUNS, description="runs of a page")
    steps_page: int = Field(MOST_STEPS, description="steps of a page")
    disagreements_page: int = Field(MOST_DISAGREEMENTS, description="disagreements of a page")
    hits_page: int = Field(MOST_HITS, description="hits of a search's page")
    exported_rows: int = Field(MOST_EXPORTED, description="rows of an export")
    series: int = Field(MOST_SERIES, description="metrics of one answer of series")
    requests: int = Field(MOST_REQUESTS, description="requests that are answered at one time")
    body_bytes: int = Field(MOST_BODY, description="bytes of a request's body")
    text: int = Field(MOST_TEXT, description="characters of a parameter")
    open_sessions: int = Field(MOST_OPEN, description="sessions that are held open")
    rollout_games: int = Field(MOST_GAMES, description="games of each move of a rollout")
    views: int = Field(MOST_VIEWS, description="views that are kept")
    analyses: int = Field(1, description="analyses at one time")
    analysis_seconds: float = Field(ANALYSIS_SECONDS, description="seconds that an analysis may take")
