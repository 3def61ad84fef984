"""What a user of the real product has of their own, to be filled in."""

# As the product's server reads it, and more: a value and a key of the user's own.
CONFIG = """{{
    "rag": {{
        "standards_path": "{folder}/standards",
        "workflows_path": "{folder}/workflows",
        "index_path": "{folder}/.cache/vector_index",
        "embedding_provider": "local"
    }},
    "mcp": {{ "enabled_tool_groups": ["rag", "workflow"], "max_tools_warning": 17 }},
    "our_key": "{words}"
}}
"""
WORKFLOW = """{{
  "workflow_type": "our_release_v1",
  "version": "1.0.0",
  "description": "{words}",
  "total_phases": 1,
  "estimated_duration": "1 hour",
  "primary_outputs": [],
  "phases": [
    {{
      "phase_number": 0,
      "phase_name": "Release",
      "purpose": "To release",
      "estimated_effort": "1 hour",
      "key_deliverables": [],
      "validation_criteria": []
    }}
  ]
}}
"""
